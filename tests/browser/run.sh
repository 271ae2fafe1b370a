#!/usr/bin/env bash
# Uses the page of a node of its own, with simulated engines slow enough to watch. Arguments: the bin folder [, where the
# screenshots are to be]. 77: there is no Chromium or no Node.js.
set -euo pipefail
bin=$(realpath "$1") shots=${2:-}
source "$(dirname "$0")/../../scripts/common.sh"
for program in node npm chromium; do
  command -v $program >/dev/null || { echo "no $program: scripts/setup.sh --test installs it"; exit 77; }
done
npm_ci tests/browser
work=$(mktemp -d)
node=
stop() {
  [ -z "$node" ] || { kill "$node" && wait "$node"; } 2>/dev/null || true
  node=
}
trap 'stop; rm -rf "$work"' EXIT
sed 's/^first_token = .*/first_token = "150ms"/; s/^per_token = .*/per_token = "8ms"/' config/sim.toml >"$work/node.toml"

# start NAME [OPTION ...]: a node with its data in a folder of that name; sets http, the address of its page.
start() {
  local name=$1
  shift
  "$bin/tandem-node" --config "$work/node.toml" --data "$work/$name" --listen 127.0.0.1:0 --http 127.0.0.1:0 "$@" \
    >"$work/$name.ready" 2>"$work/$name.log" &
  node=$!
  for _ in $(seq 300); do
    grep -q ready "$work/$name.ready" && break
    kill -0 $node 2>/dev/null || { cat "$work/$name.log" >&2; exit 1; }
    sleep 0.1
  done
  http=$(sed -n 's/.* http=\([^ ]*\).*/\1/p' "$work/$name.ready")
  [ -n "$http" ] || { echo "the node was not ready in time" >&2; cat "$work/$name.log" >&2; exit 1; }
}

start open
node tests/browser/page_test.mjs "$http/" --out "${shots:-$work/shots}" --jobs 55 --patience-ms 60000
stop

start closed --set http.require_key=true
key=$(TANDEM_DATA=$work/closed "$bin/tandem" keys create --name page --tenant page --admin)
node tests/browser/page_test.mjs "$http/" --out "$work/shots" --key "$key" --only-sign-in --patience-ms 60000
