#!/bin/sh
# Builds the WebAssembly modules again from the crates that their Cargo.lock names; needs cargo (rustup installs the
# compiler that src/rust-toolchain.toml names). Only a change in their folders needs it: the modules are committed.
set -eu
cd "$(dirname "$0")/../src"
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT

build() {
  cd "$1/wasm"
  flags="-C target-feature=+simd128"
  cargo fetch --locked --quiet
  # The bytes must not depend on where the crates lie.
  for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    flags="$flags --remap-path-prefix=$sources=crates"
  done
  RUSTFLAGS="$flags" \
    cargo build --locked --release --quiet --target wasm32-unknown-unknown --target-dir "$target"
  cp "$target/wasm32-unknown-unknown/release/$2.wasm" "$2.wasm"
  chmod 644 "$2.wasm"
  sha256sum "$2.wasm" | tee "$2.wasm.sha256"
  cd ../..
}

build audio audio
build similarity tiles
