#!/usr/bin/env bash
# Runs the clients' test; 77: there is no Node.js here.   tests/clients/run.sh [OPTION OF node --test ...]
set -euo pipefail
source "$(dirname "$0")/../../scripts/common.sh"
command -v node >/dev/null && command -v npm >/dev/null || { echo "no nodejs or no npm: scripts/setup.sh installs them"; exit 77; }
npm_ci tests/clients
exec node --test "$@" tests/clients/clients.test.mjs
