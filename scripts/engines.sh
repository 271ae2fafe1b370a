#!/usr/bin/env bash
# Installs a real llama-server without root, for the real-engine tests and to try Tandem with: Debian's own packages,
# checked by apt against the archive's keys, unpacked into a folder. The machine's apt is asked but not changed.
#   scripts/engines.sh [FOLDER]   build/engines by default; prints the path of the program, FOLDER/llama-server
# Run again, it checks what is there and fetches only what does not run. TANDEM_ENGINE_SUITE: of Debian; sid by default.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(realpath -m "${1:-build/engines}")
suite=${TANDEM_ENGINE_SUITE:-sid}
program=$folder/llama-server
# From sid with their libraries, loader and C library included: nothing of this machine is linked.
wanted=(llama.cpp-tools)

fail() {
  echo "engines: $1" >&2
  [ $# -lt 2 ] || printf '  %s\n' "${@:2}" >&2
  exit 1
}

runs() { [ -x "$1/llama-server" ] && "$1/llama-server" --version >/dev/null 2>&1 </dev/null; }

# The archive that this machine's own release comes from.
find_archive() {
  local release
  release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  apt-get indextargets --format '$(CREATED_BY)|$(RELEASE)|$(SITE)' 2>/dev/null |
    awk -F'|' -v release="$release" '$1 == "Packages" && $2 == release { print $3; exit }'
}

fetch() {
  local work=$1 archive=$2 keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/debs"
  : >"$work/apt/status"
  echo "deb [signed-by=$keyring] $archive $suite main" >"$work/apt/sources.list"
  local options=(
    -q -y -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Dir::State="$work/apt" -o Dir::State::status="$work/apt/status" -o Dir::State::lists="$work/apt/lists"
    -o Dir::Cache="$work/apt/cache" -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=
    # A mirror that stands still, as CI's may, is as good.
    -o Acquire::Check-Valid-Until=false -o APT::Install-Recommends=false
  )
  # Without an installed system beside it, apt works out everything that the program needs.
  apt-get "${options[@]}" update && apt-get "${options[@]}" install --download-only "${wanted[@]}"
}

unpack() {
  local work=$1 root=$2 package
  for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$root" || return 1
    basename "$package" >>"$root/packages.txt"
  done
}

write_program() {
  cat >"$1/llama-server" <<'X'
#!/bin/sh
# The unpacked server under its own loader and libraries. It looks for its backends beside the loader.
here=$(dirname "$(readlink -f "$0")")
for loader in "$here"/lib/ld-linux*.so.*; do
  exec "$loader" --argv0 llama-server --library-path "$here/lib" "$here/bin/llama-server" "$@"
done
X
  chmod +x "$1/llama-server"
}

# All libraries in one folder, so that neither paths nor an architecture's name matter later.
arrange() {
  local root=$1 to=$2
  mkdir -p "$to/bin" "$to/lib"
  cp "$root/usr/bin/llama-server" "$to/bin/" || return 1
  find "$root"/usr/lib/*-linux-gnu* \( -name gconv -o -name ossl-modules -o -name engines-3 \) -prune -o \
    -name '*.so*' \( -type f -o -type l \) -exec cp -a -t "$to/lib" {} + || return 1
  cp "$root/packages.txt" "$to/"
  write_program "$to"
}

if runs "$folder"; then
  echo "$program"
  exit 0
fi
for tool in apt-get dpkg-deb flock; do
  command -v "$tool" >/dev/null || fail "there is no $tool here: this way needs Debian or one of its children" \
    "Point TANDEM_LLAMA_SERVER at a llama-server that you have."
done
archive=$(find_archive)
[ -n "$archive" ] || fail "apt's configuration names no archive of this release (apt-get indextargets)" \
  "Run apt-get update once, or point TANDEM_LLAMA_SERVER at a llama-server that you have."
mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9
if runs "$folder"; then # Another run was quicker.
  echo "$program"
  exit 0
fi
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work" "$folder.lock"' EXIT
mkdir "$work/root" "$work/new"
fetch "$work" "$archive" >"$work/log" 2>&1 || {
  tail -n 5 "$work/log" >&2
  fail "$suite of the archive that apt is configured with could not be read or lacks ${wanted[*]}; apt's last words are above" \
    "It needs the network, or a mirror with $suite." "Else point TANDEM_LLAMA_SERVER at a llama-server that you have."
}
unpack "$work" "$work/root" && arrange "$work/root" "$work/new" || fail "the packages of $suite hold no llama-server where it was: $(tr '\n' ' ' <"$work/root/packages.txt")"
runs "$work/new" || fail "the unpacked llama-server does not run:" "$("$work/new/llama-server" --version 2>&1 | head -n 3)"
rm -rf "$folder"
chmod 755 "$work/new"
mv "$work/new" "$folder"
"$program" --version 2>&1 | head -n 1 >&2 || true
echo "$program"
