#!/usr/bin/env bash
# Looks over the sources: format, direction of includes, sizes; with --tidy also clang-tidy (minutes; needs a dev build).
set -euo pipefail
source "$(dirname "$0")/common.sh"
failed=0
complain() { echo "check: $*" >&2; failed=1; }

mapfile -t sources < <(git ls-files -- '*.cpp' '*.hpp')

if command -v clang-format >/dev/null; then
  clang-format --dry-run -Werror "${sources[@]}" || complain "format: run clang-format -i on the files above"
else
  complain "clang-format is missing: scripts/setup.sh --develop"
fi

# Dependencies point one way: schema <- storage <- actors <- config <- nodes. A plain struct of settings is no dependency.
forbid() {
  local folder=$1 above=$2
  if git grep -nE "#include \"($above)/" -- "$folder"; then complain "$folder must not include from $above"; fi
}
forbid schema 'storage|actors|config|nodes|tests'
forbid storage 'actors|config|nodes|tests'
forbid actors 'config|nodes|tests'
forbid config 'nodes|tests'
forbid nodes 'tests'
if git grep -nE '#include [<"]rocksdb/' -- '*.cpp' '*.hpp' ':!storage'; then complain "only storage includes RocksDB"; fi
if git grep -nE '#include <caf/all.hpp>' -- '*.cpp' '*.hpp'; then complain "caf/all.hpp costs seconds in every file"; fi
if git grep -nE '\[=\]|\[=,' -- actors; then complain "captures in actors are explicit"; fi

# Two types of one name in one namespace are one to the linker, which keeps one's functions for both.
twice=$(git ls-files -- 'schema/*.hpp' 'storage/*.hpp' 'actors/*.hpp' 'config/*.hpp' 'nodes/*.hpp' | xargs awk '
  FNR == 1 { space = "" }
  /^namespace [a-z_:]+ \{/ { space = $2 }
  /^(struct|class|enum class|union) [a-z_0-9]+( final)?( :.*)?( \{.*)?$/ && !/;$/ {
    type = space "::" ($1 == "enum" ? $3 : $2)
    if (type in at && at[type] != FILENAME) print type " in " at[type] " and " FILENAME
    at[type] = FILENAME
  }')
[ -z "$twice" ] || complain "two types of one name: $twice"

for file in "${sources[@]}"; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 600 ] || complain "$file has $lines lines; 600 is the most, 300 the habit"
  case $file in
    *.hpp) grep -q '#pragma once' "$file" || complain "$file lacks #pragma once" ;;
  esac
done
if git grep -nwE 'TODO|FIXME|XXX' -- '*.cpp' '*.hpp' '*.capnp'; then complain "leave no notes in the code: write an issue"; fi

if [ "${1:-}" = --tidy ]; then
  cmake --preset dev >/dev/null
  mapfile -t units < <(git ls-files -- 'actors/*.cpp' 'schema/*.cpp' 'storage/*.cpp' 'config/*.cpp' 'nodes/*.cpp')
  # clang does not read g++'s precompiled headers and does not know all of its warnings.
  mkdir -p build/tidy
  sed -E 's/ -include [^ ]*cmake_pch.hxx//g; s/-Winvalid-pch|-fpch-preprocess|-Wno-restrict|-Wno-stringop-overflow//g' \
    build/dev/compile_commands.json >build/tidy/compile_commands.json
  printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/tidy ||
    complain "clang-tidy: see above"
fi
[ $failed -eq 0 ] && echo "check: ok"
exit $failed
