#!/usr/bin/env bash
# Installs what is needed, builds and runs every test. Arguments go to ctest: scripts/test.sh -L unit, scripts/test.sh -R plan.
#   TANDEM_PRESET=asan scripts/test.sh   the same under AddressSanitizer and UndefinedBehaviorSanitizer
set -euo pipefail
source "$(dirname "$0")/common.sh"
scripts/setup.sh --test
preset=${TANDEM_PRESET:-dev}
build "$preset"
npm_ci tests/clients
npm_ci tests/browser
ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)" "$@"
