#!/usr/bin/env bash
# Fuzzes what reads bytes from outside: the wire decoder, the plan parser, the GGUF reader and what engines answer.
#   scripts/fuzz.sh [SECONDS] [NAME ...]   60 seconds each by default; names: message plan gguf sse chat http http_request openai
set -euo pipefail
source "$(dirname "$0")/common.sh"
scripts/setup.sh --develop
seconds=${1:-60}
shift || true
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(message plan gguf sse chat http http_request openai)
build fuzz "${names[@]/#/fuzz_}" >/dev/null
for name in "${names[@]}"; do
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  dictionary=()
  [ -f "tests/fuzz/$name/$name.dict" ] && dictionary=(-dict="tests/fuzz/$name/$name.dict")
  echo "== fuzz_$name for $seconds s"
  "build/fuzz/bin/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    "${dictionary[@]}" "$corpus" "tests/fuzz/$name/corpus" 2>&1 | tail -n 8
done
