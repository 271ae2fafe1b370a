#!/usr/bin/env bash
# Installs what Tandem needs on Debian 12. Safe to run again; needs root or sudo only when something is missing.
#   scripts/setup.sh            to build and run
#   scripts/setup.sh --test     also what scripts/test.sh needs
#   scripts/setup.sh --develop  also what scripts/check.sh and scripts/fuzz.sh need
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config ccache mold
  libcaf-dev capnproto libcapnp-dev librocksdb-dev
  libboost-program-options-dev libtomlplusplus-dev libsimdjson-dev libre2-dev libgoogle-perftools-dev libvalijson-dev nlohmann-json3-dev
  libspdlog-dev libssl-dev prometheus-cpp-dev
  libcurl4-openssl-dev curl
  # RocksDB's CMake package asks for the libraries that it compresses with.
  zlib1g-dev libbz2-dev liblz4-dev libsnappy-dev libzstd-dev
  libeigen3-dev libhnswlib-dev
  libgtest-dev libgmock-dev
  # What replication needs; the etcd that Debian starts on localhost:2379 is not used.
  etcd-server etcd-client openssl
)
# The web page is built with Node.js and npm: Debian's, unless others are there already.
if ! command -v npm >/dev/null || ! node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then
  packages+=(nodejs npm)
fi
test_packages=(
  # promtool checks our rules and metrics, and a test lets it scrape; the one that Debian starts on port 9090 is not used.
  prometheus
  # A test uses the page as a person does.
  chromium
)
case ${1:-} in
  --test) packages+=("${test_packages[@]}") ;;
  --develop) packages+=("${test_packages[@]}" clang clang-format clang-tidy libclang-rt-14-dev) ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run this as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
