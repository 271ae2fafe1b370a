#!/usr/bin/env bash
# Runs the 300 tasks of tests/data/tasks.jsonl on the embedded models, end to end, and writes the table into README.md.
#   scripts/tasks.sh [--print]   --print: only print it
set -euo pipefail
source "$(dirname "$0")/common.sh"
scripts/setup.sh
build release bench_tasks >/dev/null
table=$(build/release/bin/bench_tasks 2>/dev/null)
echo "$table"
[ "${1:-}" = --print ] && exit 0
TABLE=$(sed -n '/^|/p' <<<"$table") awk '
  /<!-- tasks:begin -->/ { print; print ENVIRON["TABLE"]; skip = 1 }
  /<!-- tasks:end -->/ { skip = 0 }
  !skip { if (!/<!-- tasks:begin -->/) print }' README.md >README.md.new
mv README.md.new README.md
