#!/usr/bin/env bash
# Shows new weights coming into service without a stop: a node of its own whose executor has version 1 of its weights, jobs
# that go on all the time, and an update to version 2 under them.
#   scripts/weights.sh [BIN]
set -euo pipefail
source "$(dirname "$0")/common.sh"
bin=$(realpath "${1:-build/release/bin}")
work=$(mktemp -d)
node= load=
stop() {
  touch "$work/stop"
  [ -z "$load" ] || wait "$load" 2>/dev/null || true
  [ -z "$node" ] || { kill "$node" 2>/dev/null && wait "$node" 2>/dev/null; } || true
  rm -rf "$work"
}
trap stop EXIT

# The cheapest model that can: what a job costs and who does it stays the same, whatever the router would have learned.
sed -e "s|path = \"models/|path = \"$PWD/config/models/|; s|executor-v2|executor-v1|; s|policy = \"auto\"|policy = \"cheapest\"|" \
  config/embedded.toml >"$work/node.toml"
# A second executor, so that one is always there.
cat >>"$work/node.toml" <<TOML

[[engine]]
name = "executor-embedded-2"
kind = "embedded"
model = "executor"
path = "$PWD/config/models/tandem-executor-v1-f16.gguf"
TOML
"$bin/tandem-node" --config "$work/node.toml" --data "$work/data" --listen 127.0.0.1:0 --http 127.0.0.1:0 >"$work/ready" 2>"$work/node.log" &
node=$!
for _ in $(seq 300); do
  grep -q ready "$work/ready" && break
  kill -0 $node 2>/dev/null || { echo "weights: the node did not start:" >&2; cat "$work/node.log" >&2; exit 1; }
  sleep 0.1
done
export TANDEM_DATA=$work/data

# "answer<tab>question" of three operations and more, where a weak executor errs.
sed -n 's/.*"n": [3-9].*"question": "\([^"]*\)".*"answer": "\([^"]*\)".*/\2\t\1/p' tests/data/tasks.jsonl |
  awk 'NR <= 120' >"$work/questions"
# ask TAG: all questions once, four at a time.
ask() {
  tr '\t' '\n' <"$work/questions" | xargs -d '\n' -n 2 -P 4 sh -c \
    '"$0" submit --wait --tag "$1" --check "exact=$2" "$3" >/dev/null 2>&1 || true' "$bin/tandem" "$1"
}
# right TAG: how many of its jobs gave the known answer.
right() {
  "$bin/tandem" jobs --tag "$1" --limit 1000 --json | sed 's/{"job":/\n{"job":/g' |
    awk '/^{"job":/ { n++ } /"state":"done"/ { right++ } END { printf "%d of %d right", right, n }'
}
show() {
  echo
  echo "\$ tandem $*"
  "$bin/tandem" "$@"
}

show weights add executor "$PWD/config/models/tandem-executor-v1-f16.gguf" --version 1
show weights add executor "$PWD/config/models/tandem-executor-v2-f16.gguf" --version 2
show weights compare executor 1 2
echo
echo "120 questions with version 1"
ask before
# Jobs that go on while the weights change; without a check, so that none of them fails for an answer that is wrong.
(
  while [ ! -e "$work/stop" ]; do
    cut -f 2 "$work/questions" | awk 'NR <= 12' |
      xargs -d '\n' -n 1 -P 4 "$bin/tandem" submit --wait --tag during >/dev/null 2>>"$work/during" || true
  done
) &
load=$!
sleep 1
show weights roll executor 2 --prompt "add 12 7" --expect 19 --watch
sleep 1
touch "$work/stop"
wait "$load" || true
load=
echo
echo "the same 120 questions with version 2"
ask after
show weights list
show topology
failed=$("$bin/tandem" jobs --tag during --limit 1000 --json | sed 's/{"job":/\n{"job":/g' | grep -c '"state":"failed"' || true)
total=$("$bin/tandem" jobs --tag during --limit 1000 --json | sed 's/{"job":/\n{"job":/g' | grep -c '^{"job":' || true)
echo
echo "version 1:           $(right before)"
echo "while it changed:    $total jobs, $failed failed"
echo "version 2:           $(right after)"
