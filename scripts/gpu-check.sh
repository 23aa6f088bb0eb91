#!/usr/bin/env bash
# Measures extraction on a GPU, even on a machine with neither Node nor a network, and writes one file of JSON.
#
#   scripts/gpu-check.sh pack DIR                        here, after `npm run setup`: all that such a machine lacks, in parts of 15 MiB
#   scripts/gpu-check.sh run DIR OUT.json [OPTION...]    there, in a checkout that DIR was brought to
#
# The options are those of scripts/gpu-check.mjs, which a machine with Node and a set-up checkout runs directly.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  echo "gpu-check: $*" >&2
  exit 1
}

pack() {
  local target=$1 ort=node_modules/onnxruntime-node name library
  cd "$root"
  [ -f dist/src/cli/main.js ] || fail "There is no build (dist). Run npm run setup first."
  mkdir -p "$target"
  target=$(cd "$target" && pwd)
  stage=$(mktemp -d)
  trap 'rm -rf "$stage"' EXIT
  mkdir -p "$stage"/{lib,scripts,node_modules} "$stage/$ort/bin/napi-v6/linux"
  cp -L "$(node -p process.execPath)" "$stage/node"
  strip "$stage/node" 2>/dev/null || echo "gpu-check: node keeps its symbols (no strip here), so the parts are larger"
  cp -r dist package.json "$stage"
  cp -r scripts/gpu-check.mjs scripts/gpu-check "$stage/scripts"
  # Packages over 2 MB are for charts, notebooks and types; the rehearsal in test/ fails if extract or merge needs one.
  { npm ls --omit=dev --all --parseable 2>/dev/null || true; } | sed "1d; s|^$root/||" | while read -r module; do
    [ "$(du -sk "$module" | cut -f1)" -gt 2000 ] || cp -r --parents "$module" "$stage"
  done
  cp -r $ort/package.json $ort/dist "$stage/$ort"
  # Not the CUDA provider (272 MB), which scripts/setup-cuda.mjs may have put there.
  mkdir "$stage/$ort/bin/napi-v6/linux/x64"
  cp $ort/bin/napi-v6/linux/x64/{onnxruntime_binding.node,libonnxruntime.so.1} "$stage/$ort/bin/napi-v6/linux/x64"
  # NVIDIA's Vulkan driver opens libEGL, which opens libGLdispatch, even where nothing is shown.
  for name in libvulkan.so.1 libEGL.so.1 libGLdispatch.so.0; do
    library=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p | sed -n "s/^\s*$name .*x86-64.* => //p" | head -n 1)
    if [ -n "$library" ]; then cp -L "$library" "$stage/lib/$name"; else
      echo "gpu-check: no $name goes along (apt-get install libvulkan1 libegl1): the other machine must have one"
    fi
  done
  rm -f "$target"/part-* "$target/SHA256SUMS"
  # XZ_OPT=-0 is several times as fast; the parts are a quarter larger.
  tar -C "$stage" -c . | xz -T0 | split -b 15M -d -a 2 - "$target/part-"
  (cd "$target" && sha256sum part-* >SHA256SUMS)
  du -h "$target"/part-*
}

run() {
  local parts out=$2 to
  parts=$(cd "$1" && pwd) || fail "There is no folder $1."
  case $out in /*) ;; *) out=$PWD/$out ;; esac
  shift 2
  cd "$parts"
  [ -f SHA256SUMS ] || fail "There is no SHA256SUMS in $parts. Make the parts with: scripts/gpu-check.sh pack DIR"
  sha256sum --check --quiet SHA256SUMS >&2 ||
    fail "The parts in $parts are incomplete or not of one pack (see above). Bring them again, with SHA256SUMS."
  to=$parts/unpacked
  rm -rf "$to"
  mkdir "$to"
  # shellcheck disable=SC2046 # the names have no spaces
  cat $(sed 's/^[0-9a-f]*  //' SHA256SUMS) | decompress | tar -x -C "$to"
  ln -s "$root/data" "$root/src" "$to"
  exec "$to/node" "$to/scripts/gpu-check.mjs" "$out" "$@"
}

decompress() {
  if command -v xz >/dev/null; then xz -d; else
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer)'
  fi
}

case "${1:-} $#" in
  "pack 2") pack "$2" ;;
  "run "[01] | "run 2") fail "usage: scripts/gpu-check.sh run DIR OUT.json [OPTION...]" ;;
  run\ *) shift && run "$@" ;;
  *) fail "usage: scripts/gpu-check.sh pack DIR, or run DIR OUT.json [OPTION...]" ;;
esac
