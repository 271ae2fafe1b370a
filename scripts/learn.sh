#!/usr/bin/env bash
# Shows a router that learns: the questions of tests/data/tasks.jsonl in random order, as jobs of mode `auto`, each verified
# by its known answer, on the running node of TANDEM_DATA; then the first jobs beside the last, and beside the large model alone.
#   TANDEM_DATA=FOLDER scripts/learn.sh [BIN [JOBS]]
set -euo pipefail
source "$(dirname "$0")/common.sh"
bin=${1:-build/release/bin}
jobs=${2:-300}
tag=auto-$$
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "answer<tab>question", in an order that is the same each time.
sed -n 's/.*"question": "\([^"]*\)".*"answer": "\([^"]*\)".*/\2\t\1/p' tests/data/tasks.jsonl |
  awk 'BEGIN { srand(7) } { print rand() "\t" $0 }' | sort -n | cut -f 2- | awk -v n="$jobs" 'NR <= n' >"$work/questions"

# submit MODE TAG: all of the questions read, four at a time. A job that fails is part of the result.
submit() {
  tr '\t' '\n' | xargs -d '\n' -n 2 -P 4 sh -c \
    '"$0" submit --wait --mode "$1" --tag "$2" --check "exact=$3" "$4" >/dev/null 2>&1 || true' "$bin/tandem" "$1" "$2"
}
# table TAG COUNT: "state mode cost", oldest first.
table() {
  "$bin/tandem" jobs --tag "$1" --limit "$2" --json | sed 's/{"job":/\n{"job":/g' |
    sed -n 's/^{"job":.*"state":"\([a-z]*\)".*"mode":"\([a-z_]*\)".*"usage":{[^}]*"cost_nanousd":\([0-9]*\).*/\1 \2 \3/p' | tac
}

last=$("$bin/tandem" route export | sed -n '$ s/.*"id":"\([0-9]*\)".*/\1/p')
echo "submitting $jobs questions as jobs of mode auto, each verified by its known answer"
submit auto "$tag" <"$work/questions"
table "$tag" "$jobs" >"$work/auto"
alone=$((jobs < 100 ? jobs : 100))
echo "submitting $alone of them to the large model alone"
awk -v n="$alone" 'NR <= n' "$work/questions" | submit large "$tag-large"
table "$tag-large" "$alone" >"$work/large"

row() { # NAME FIRST LAST FILE
  awk -v name="$1" -v first="$2" -v last="$3" '
    NR >= first && NR <= last { n++; right += $1 == "done"; cost += $3; way[$2]++ }
    END {
      if (n == 0) exit
      printf "%-22s %5d %6.1f%% %13.2f %12d %7d %7d\n", name, n, 100 * right / n, cost / n / 1000,
             way["small"], way["large"], way["plan_act"]
    }' "$4"
}
third=$((jobs / 3))
echo
printf '%-22s %5s %7s %13s %12s %7s %7s\n' "" jobs right "micro-USD/job" "by: small" large plan
row "first third, learning" 1 "$third" "$work/auto"
row "second third" "$((third + 1))" "$((2 * third))" "$work/auto"
row "last third" "$((2 * third + 1))" "$jobs" "$work/auto"
row "large alone" 1 "$alone" "$work/large"
echo
"$bin/tandem" route export ${last:+--after "$last"} | sed -n 's/.*"id":"\([0-9]*\)".*"purpose":"way".*/\1/p' >"$work/ways"
echo "The first decision and the last one, explained:"
for decision in $(head -n 1 "$work/ways") $(tail -n 1 "$work/ways"); do
  echo
  "$bin/tandem" route explain "$decision"
done
