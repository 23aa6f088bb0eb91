#!/bin/sh
# Builds audio.wasm again from the crates that Cargo.lock names; needs cargo (rustup installs the compiler that
# rust-toolchain.toml names). Only a change in this folder needs it: the module is committed.
set -eu
cd "$(dirname "$0")"
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
flags="-C target-feature=+simd128"
cargo fetch --locked --quiet
# The bytes must not depend on where the crates lie.
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  flags="$flags --remap-path-prefix=$sources=crates"
done
RUSTFLAGS="$flags" \
  cargo build --locked --release --quiet --target wasm32-unknown-unknown --target-dir "$target"
cp "$target/wasm32-unknown-unknown/release/audio.wasm" audio.wasm
chmod 644 audio.wasm
sha256sum audio.wasm | tee audio.wasm.sha256
