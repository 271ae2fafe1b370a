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
  rm -rf "$work"
}
trap stop EXIT
sed 's/^first_token = .*/first_token = "150ms"/; s/^per_token = .*/per_token = "8ms"/' config/sim.toml >"$work/node.toml"
"$bin/tandem-node" --config "$work/node.toml" --data "$work/data" --listen 127.0.0.1:0 --http 127.0.0.1:0 \
  >"$work/ready" 2>"$work/node.log" &
node=$!
for _ in $(seq 300); do
  grep -q ready "$work/ready" && break
  kill -0 $node 2>/dev/null || { cat "$work/node.log" >&2; exit 1; }
  sleep 0.1
done
http=$(sed -n 's/.* http=\([^ ]*\).*/\1/p' "$work/ready")
node tests/browser/page_test.mjs "$http/" --out "${shots:-$work/shots}" --patience-ms 60000
