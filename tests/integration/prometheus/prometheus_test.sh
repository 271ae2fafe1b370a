#!/usr/bin/env bash
# A real Prometheus scrapes a node, with the rules and alerts of config/prometheus, and fires an alert of this test and one
# of ours about an engine that is down. Arguments: source and bin folder. 77: there is no Prometheus.
set -euo pipefail
source=$1 bin=$2
command -v prometheus >/dev/null || exit 77
work=$(mktemp -d)
node= prometheus=

fail() {
  echo "FAILED: $*" >&2
  sed 's/^/node: /' "$work/node.log" >&2 || true
  tail -n 20 "$work/prometheus.log" | sed 's/^/prometheus: /' >&2 || true
  exit 1
}
stop() {
  for pid in $prometheus $node; do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

# An engine that is never there, beside simulated ones.
cat "$source/config/sim.toml" - >"$work/node.toml" <<'TOML'

[[engine]]
name = "nowhere"
kind = "http"
model = "small"

[engine.http]
url = "http://127.0.0.1:9"
TOML
"$bin/tandem-node" --config "$work/node.toml" --data "$work/data" --listen 127.0.0.1:0 --http 127.0.0.1:0 \
  >"$work/ready" 2>"$work/node.log" &
node=$!
for _ in $(seq 600); do
  grep -q ready "$work/ready" && break
  kill -0 $node 2>/dev/null || fail "the node did not start"
  sleep 0.1
done
http=$(sed -n 's/.* http=http:\/\/\([^ ]*\).*/\1/p' "$work/ready")
[ -n "$http" ] || fail "the readiness line names no gateway"
curl -sSf "http://$http/metrics" | promtool check metrics || fail "promtool does not like the page"

# Ours, but that a second is a minute: nobody waits here as long as for a real alarm.
cp "$source"/config/prometheus/{rules,alerts}.yml "$work"
sed -i 's/for: [0-9]*m$/for: 1s/' "$work/alerts.yml"
cat >"$work/test.yml" <<'YAML'
groups:
  - name: test
    rules:
      - alert: AJobWasDone
        expr: sum(tandem_planner_jobs_ended_total{state="done"}) > 0
YAML
cat >"$work/prometheus.yml" <<YAML
global: {scrape_interval: 500ms, evaluation_interval: 500ms, scrape_timeout: 500ms}
rule_files: [rules.yml, alerts.yml, test.yml]
scrape_configs:
  - job_name: tandem
    static_configs: [{targets: ["$http"], labels: {node: n}}]
YAML
for _ in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 20000))
  prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
    --web.listen-address="127.0.0.1:$port" >"$work/prometheus.log" 2>&1 &
  prometheus=$!
  for _ in $(seq 300); do
    curl -sf "http://127.0.0.1:$port/-/ready" >/dev/null && break 2
    kill -0 $prometheus 2>/dev/null || break
    sleep 0.1
  done
done
api=http://127.0.0.1:$port/api/v1
curl -sf "$api/status/buildinfo" >/dev/null || fail "Prometheus did not start"

curl -sSf "http://$http/v1/jobs" -d '{"goal":"anything"}' >/dev/null || fail "no job could be submitted"
fires() {
  curl -sf "$api/alerts" | grep -o '{"labels":{"alertname":"'"$1"'"[^}]*}[^}]*}[^}]*"state":"firing"' >/dev/null
}
for alert in AJobWasDone EngineDown; do
  for _ in $(seq 600); do
    fires $alert && break
    sleep 0.1
  done
  fires $alert || fail "$alert does not fire: $(curl -s "$api/alerts")"
  echo "$alert fires"
done
# Nothing of ours was refused.
curl -sf "$api/targets" | grep -q '"health":"up"' || fail "the target is not up"
curl -sf "$api/rules" | grep -o '"lastError":"[^"]\+"' && fail "a rule has an error"
echo ok
