#!/bin/sh
# Runs lib/json_tools.py, if this machine has python3.
set -eu
if ! command -v python3 >/dev/null 2>&1; then
    echo "json-tools needs python3, which this machine does not have." >&2
    exit 127
fi
here=$(dirname "$0")
exec python3 "$here/../lib/json_tools.py" "$@"
