#!/bin/sh
# Whether Prometheus takes our configuration, and its rules do what they should. 77: promtool is missing.
set -eu
command -v promtool >/dev/null 2>&1 || exit 77
cd "$1"
promtool check config config/prometheus/prometheus.yml
promtool test rules config/prometheus/tests.yml
