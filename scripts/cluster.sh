#!/usr/bin/env bash
# A cluster on this machine. The first form builds, starts N nodes that join each other and runs until ^C; the others are
# for a second terminal, to see what the first one's cluster makes of it.
#   scripts/cluster.sh N [--dir DIR] [--config FILE] [--etcd]   nodes n1 to nN at 127.0.0.1:7420 and up, pages at 8421 and up
#   scripts/cluster.sh kill|stop|start I [--dir DIR]            node nI: kill -9, a clean stop, and back with its data
# --etcd starts an etcd beside them (Debian's etcd-server) and keeps two copies of each journal where N is above 1.
# TANDEM_PORT is the first node's port instead of 7420; TANDEM_BIN has programs that are built already. The nodes' data, logs and certificates are below DIR (build/cluster).
set -euo pipefail
called_from=$PWD
source "$(dirname "$0")/common.sh"

fail() { echo "cluster: $*" >&2; exit 2; }
absolute() { [[ $1 = /* ]] && echo "$1" || echo "$called_from/$1"; }

words=()
dir=build/cluster config=config/cluster.toml etcd=
while [ $# -gt 0 ]; do
  case $1 in
    --dir) [ $# -gt 1 ] || fail "--dir needs a folder"; dir=$(absolute "$2"); shift ;;
    --config) [ $# -gt 1 ] || fail "--config needs a file"; config=$(absolute "$2"); shift ;;
    --etcd) etcd=yes ;;
    -*) fail "there is no option $1; see the first lines of $0" ;;
    *) words+=("$1") ;;
  esac
  shift
done
bin=${TANDEM_BIN:-build/release/bin}
[ -z "${TANDEM_BIN:-}" ] || [ -x "$bin/tandem-node" ] || fail "TANDEM_BIN: there is no tandem-node in $bin"
[[ ${TANDEM_PORT:-7420} =~ ^[0-9]+$ ]] || fail "TANDEM_PORT has to be a number, it is '$TANDEM_PORT'"

# The process of node $1, if it runs.
node_pid() {
  local pid
  pid=$(cat "$dir/n$1/pid" 2>/dev/null) || return 1
  [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$(realpath "$bin/tandem-node")" ] && echo "$pid"
}
node_runs() { node_pid "$1" >/dev/null; }

start_node() {
  local i=$1 join='' j
  # As the first start said it.
  [ -r "$dir/cluster" ] || fail "there is no cluster in $dir"
  read -r count first_port replicated config <"$dir/cluster"
  [[ $i =~ ^[0-9]+$ ]] && [ "$i" -ge 1 ] && [ "$i" -le "$count" ] || fail "there is no node $i, but 1 to $count"
  node_runs "$i" && { echo "cluster: node n$i runs already" >&2; return 1; }
  for ((j = 1; j <= count; ++j)); do
    [ "$j" = "$i" ] || join+=${join:+,}127.0.0.1:$((first_port + j - 1))
  done
  local flags=(--config "$config" --data "$dir/n$i/data" --name "n$i" --listen "127.0.0.1:$((first_port + i - 1))"
    --http "127.0.0.1:$((first_port + 1000 + i))")
  [ -z "$join" ] || flags+=(--join "$join")
  if [ "$replicated" = yes ]; then
    flags+=(--set etcd.endpoints=http://127.0.0.1:$((first_port + 1000)))
    [ "$count" -gt 1 ] && flags+=(--set replication.copies=2 --set replication.min_in_sync=1)
  fi
  # In a session of its own: ^C is for this script alone, which then stops them in order.
  setsid "$bin/tandem-node" "${flags[@]}" >"$dir/n$i/ready" 2>>"$dir/n$i/log" </dev/null &
  local pid=$!
  disown
  echo "$pid" >"$dir/n$i/pid"
  for _ in $(seq 300); do
    grep -q '^tandem-node ready' "$dir/n$i/ready" && { echo "node n$i runs at 127.0.0.1:$((first_port + i - 1))"; return 0; }
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "cluster: node n$i did not start:" >&2
  tail -n 5 "$dir/n$i/log" >&2
  return 1
}

# Sends $2 to node $1 and waits until it has ended.
end_node() {
  local pid
  [ -r "$dir/cluster" ] || fail "there is no cluster in $dir"
  pid=$(node_pid "$1") || { echo "cluster: node n$1 does not run" >&2; return 1; }
  kill "-$2" "$pid"
  while node_runs "$1"; do sleep 0.05; done
  echo "node n$1 has ended"
}

case ${words[0]:-} in
  kill) [ ${#words[@]} = 2 ] || fail "kill which node? scripts/cluster.sh kill 2"; end_node "${words[1]#n}" KILL; exit ;;
  stop) [ ${#words[@]} = 2 ] || fail "stop which node? scripts/cluster.sh stop 2"; end_node "${words[1]#n}" TERM; exit ;;
  start) [ ${#words[@]} = 2 ] || fail "start which node? scripts/cluster.sh start 2"; start_node "${words[1]#n}"; exit ;;
esac
count=${words[0]:-}
[ ${#words[@]} = 1 ] && [[ $count =~ ^[0-9]+$ ]] && [ "$count" -ge 1 ] && [ "$count" -le 64 ] ||
  fail "how many nodes? scripts/cluster.sh 3"

if [ -z "${TANDEM_BIN:-}" ]; then
  scripts/setup.sh
  echo "== building (the first time takes some minutes)"
  build release tandem tandem-node
fi
mkdir -p "$dir"
if [ -e "$dir/cluster" ]; then
  read -r old _ <"$dir/cluster"
  for ((i = 1; i <= old; ++i)); do
    if node_runs "$i"; then fail "node n$i of a cluster in $dir runs already; stop that first, or name another --dir"; fi
  done
fi
echo "$count ${TANDEM_PORT:-7420} ${etcd:-no} $config" >"$dir/cluster"

# One authority; each node and the operator get a certificate of it.
ca=$dir/ca
certs() { "$bin/tandem" certs "$@" --tls "$ca" >/dev/null 2>"$dir/certs.log" || fail "$(cat "$dir/certs.log")"; }
[ -e "$ca/ca.key" ] || certs init --name tandem
[ -e "$dir/client/client.pem" ] || certs issue --kind client --name operator --out "$dir/client"
for ((i = 1; i <= count; ++i)); do
  mkdir -p "$dir/n$i"
  [ -e "$dir/n$i/data" ] || mkdir -m 0700 "$dir/n$i/data"
  [ -e "$dir/n$i/data/tls/node.pem" ] || certs issue --kind node --name "n$i" --out "$dir/n$i/data/tls"
done

etcd_pid=
finish() {
  trap '' INT TERM
  trap - EXIT
  echo
  echo "== stopping"
  for ((i = count; i >= 1; --i)); do if node_runs "$i"; then end_node "$i" TERM; fi; done
  if [ -n "$etcd_pid" ]; then kill "$etcd_pid" 2>/dev/null; wait "$etcd_pid" 2>/dev/null || true; fi
  exit "${1:-0}"
}
trap 'finish 0' INT TERM
trap 'finish 1' EXIT

if [ -n "$etcd" ]; then
  command -v etcd >/dev/null || fail "etcd is missing: apt-get install etcd-server"
  client=http://127.0.0.1:$((${TANDEM_PORT:-7420} + 1000)) peer=http://127.0.0.1:$((${TANDEM_PORT:-7420} + 1001))
  setsid etcd --name e1 --data-dir "$dir/etcd" --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "e1=$peer" \
    >"$dir/etcd.log" 2>&1 </dev/null &
  etcd_pid=$!
  echo "etcd runs at $client"
fi
for ((i = 1; i <= count; ++i)); do start_node "$i" || finish 1; done

second=$([ "$count" -gt 1 ] && echo 2 || echo 1)
where=$([ "$dir" = build/cluster ] || echo " --dir $dir")
tandem="$bin/tandem --tls $dir/client --node 127.0.0.1:${TANDEM_PORT:-7420}"
cat <<TEXT

The cluster runs until ^C. In another terminal:
  $tandem topology --watch
  $tandem submit --follow "What is (12+7)*3-5?"
  $tandem jobs
  scripts/cluster.sh kill $second$where    # and see it become suspect and gone
  scripts/cluster.sh start $second$where
Any node may be asked (--node). Logs: $dir/n1/log and so on.
TEXT
# A child would get ^C, too; the wait ends with it.
while :; do sleep 1 & wait $! || true; done
