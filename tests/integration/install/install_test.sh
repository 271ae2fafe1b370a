#!/usr/bin/env bash
# Installs this build into a fresh prefix, moves the prefix, builds docs/examples/submit against it, and runs the
# installed programs and the example. Arguments: source, build and work folder, cmake, generator, compiler, flags.
set -euo pipefail
source=$1 build=$2 work=$3 cmake=$4 generator=$5 compiler=$6 flags=$7
prefix=$work/prefix
node_pid=

fail() {
  echo "FAILED: $*" >&2
  [[ ! -f $work/node.log ]] || sed 's/^/node: /' "$work/node.log" >&2
  exit 1
}

stop_node() {
  [[ -z $node_pid ]] || kill -KILL "$node_pid" 2>/dev/null || true
}
trap stop_node EXIT

rm -rf "$work"
mkdir -p "$work"

"$cmake" --install "$build" --prefix "$work/first" >"$work/install.log" || fail "cmake --install: $work/install.log"
# Nothing in it may know where it was installed.
mv "$work/first" "$prefix"

for file in bin/tandem bin/tandem-node lib*/libtandem_client.a lib*/cmake/Tandem/TandemConfig.cmake \
  include/tandem/actors/client/client.hpp include/tandem/schema/job.capnp.h \
  share/tandem/config/embedded.toml share/tandem/config/models/tandem-planner-v1-f16.gguf \
  share/bash-completion/completions/tandem lib/systemd/system/tandem-node.service; do
  compgen -G "$prefix/$file" >/dev/null || fail "not installed: $file"
done
if grep -nF -e -Werror -e -Wall -e -fuse-ld -e -fpch -e -fsanitize -e "$source" -e "$build" "$prefix"/lib*/cmake/Tandem/*.cmake; then
  fail "flags or folders of this build leak to users"
fi

"$cmake" -S "$source/docs/examples/submit" -B "$work/example" -G "$generator" \
  -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" \
  >"$work/example.log" 2>&1 || { cat "$work/example.log"; fail "find_package(Tandem)"; }
"$cmake" --build "$work/example" >"$work/example.log" 2>&1 || { cat "$work/example.log"; fail "the example does not build"; }
"$work/example/submit" --help | grep -q '^Usage: submit' || fail "the example's help"

if command -v systemd-analyze >/dev/null; then
  sed "s|/usr/local/bin|$prefix/bin|" "$prefix/lib/systemd/system/tandem-node.service" >"$work/tandem-node.service"
  systemd-analyze verify "$work/tandem-node.service" || fail "the systemd unit"
fi

# No --config: it has to find the one that was installed.
unset TANDEM_CONFIG TANDEM_NODE TANDEM_DATA TANDEM_TLS
exec {out}< <(exec "$prefix/bin/tandem-node" --data "$work/data" --listen 127.0.0.1:0 --http 127.0.0.1:0 2>"$work/node.log")
node_pid=$!
read -r -t 60 -u "$out" ready || fail "no readiness line"
[[ $ready == "tandem-node ready "* ]] || fail "not a readiness line: $ready"
address=${ready#* address=}
address=${address%% *}

goal='What is (12+7)*3-5?'
timeout 60 "$work/example/submit" "${address%:*}" "${address##*:}" "$work/data/tls" "$goal" >"$work/example.out" ||
  fail "the example's exit code"
grep -qx 'answer: 52' "$work/example.out" || fail "the example printed: $(<"$work/example.out")"
answer=$(timeout 60 "$prefix/bin/tandem" --data "$work/data" submit --wait "$goal") || fail "tandem submit"
[[ $answer == 52 ]] || fail "tandem submit answered '$answer'"

kill -TERM "$node_pid"
# A process substitution can be waited for like any other child; its exit code is the node's.
wait "$node_pid" || fail "the node's exit code is $?"
node_pid=
rm -rf "$work"
echo "installed, moved, built against and run"
