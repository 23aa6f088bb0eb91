#!/bin/sh
# Builds the WebAssembly modules again from the crates that their Cargo.lock names, with the patches beside it; needs
# patch and cargo (rustup installs the compiler that src/rust-toolchain.toml names). Only a change in their folders needs
# it: the modules are committed.
set -eu
cd "$(dirname "$0")/../src"
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT

build() {
  cd "$1/wasm"
  # Copies of the crates, checked against Cargo.lock: the patches go there, and the bytes do not depend on where Cargo
  # keeps its own.
  crates="$target/$1/crates"
  cargo vendor --locked --quiet --versioned-dirs "$crates"
  for fix in *.patch; do
    test -e "$fix" || continue
    crate=$(echo "$crates/${fix%.patch}"-[0-9]*)
    patch --quiet -d "$crate" -p1 < "$fix"
    # Cargo refuses a file that differs from its checksum, and takes one that has none.
    sed -i 's/"files":{[^}]*}/"files":{}/' "$crate/.cargo-checksum.json"
  done
  RUSTFLAGS="-C target-feature=+simd128 --remap-path-prefix=$crates=crates" \
    cargo build --config 'source.crates-io.replace-with="copies"' --config "source.copies.directory=\"$crates\"" \
    --locked --release --quiet --target wasm32-unknown-unknown --target-dir "$target/$1/build"
  cp "$target/$1/build/wasm32-unknown-unknown/release/$2.wasm" "$2.wasm"
  chmod 644 "$2.wasm"
  sha256sum "$2.wasm" | tee "$2.wasm.sha256"
  cd ../..
}

build audio audio
build similarity tiles
