# Sourced by the other scripts: the root of the tree and how it is built.
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# build PRESET [TARGET ...]: configures build/PRESET if need be and builds it.
build() {
  local preset=$1
  shift
  cmake --preset "$preset" >"build-$preset.log" 2>&1 || { cat "build-$preset.log"; rm -f "build-$preset.log"; return 1; }
  rm -f "build-$preset.log"
  local targets=()
  [ $# -gt 0 ] && targets=(--target "$@")
  cmake --build --preset "$preset" "${targets[@]}"
}

# npm_ci FOLDER: installs what its package-lock.json says, unless that is there.
npm_ci() {
  local stamp=$1/node_modules/.installed-lock
  cmp -s "$1/package-lock.json" "$stamp" && return
  npm ci --prefix "$1" --ignore-scripts --no-progress
  cp "$1/package-lock.json" "$stamp"
}
