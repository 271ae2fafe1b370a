#!/usr/bin/env bash
# Installs what is needed, builds, starts a node with the embedded models and runs real jobs on it.
#   scripts/demo.sh [GOAL]
set -euo pipefail
source "$(dirname "$0")/common.sh"
goal=${1:-"What is (12+7)*3-5?"}
scripts/setup.sh
echo "== building (from nothing, a quarter of an hour on two cores)"
build release tandem tandem-node
bin=build/release/bin
data=build/demo
mkdir -p "$data"

echo
echo "== starting a node: $bin/tandem-node --data $data"
"$bin/tandem-node" --data "$data" --listen 127.0.0.1:0 --http 127.0.0.1:0 >"$data/ready" 2>"$data/node.log" &
node=$!
trap 'kill $node 2>/dev/null; wait $node 2>/dev/null || true' EXIT
for _ in $(seq 300); do
  grep -q ready "$data/ready" && break
  kill -0 $node 2>/dev/null || { echo "demo: the node did not start:" >&2; cat "$data/node.log" >&2; exit 1; }
  sleep 0.1
done
cat "$data/ready"
export TANDEM_DATA=$data

show() {
  echo
  echo "\$ tandem $*"
  "$bin/tandem" "$@"
}
show submit --follow "$goal"
show submit --follow "What is the sum of the product of 3 and 4 and 9?"
show submit --wait "take 34, add 58, but at most 50."
http=$(sed -n 's/.* http=\([^ ]*\).*/\1/p' "$data/ready")
echo
echo "== the same over HTTP, as any OpenAI client asks; the page is at $http while this node runs"
body='{"model":"tandem","messages":[{"role":"user","content":"What is 9*9-2?"}]}'
echo "\$ curl $http/v1/chat/completions -d '$body'"
curl -sS "$http/v1/chat/completions" -d "$body"
echo
last=$("$bin/tandem" jobs --limit 1 --json | sed -n 's/.*"job":"\([^"]*\)".*/\1/p' | head -n 1)
show job "$last"
show jobs
show topology
echo
echo "== the router learns which way a question should go"
scripts/learn.sh "$bin"
show route status
echo
echo "== new weights, while jobs run"
scripts/weights.sh "$bin"
echo
echo "The node stops now. To go on: $bin/tandem-node --data $data, and in another terminal"
echo "  TANDEM_DATA=$data $bin/tandem submit --follow \"What is max(7*8,60)-4?\""
