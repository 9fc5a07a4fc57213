#!/bin/sh
# Runs lib/page_to_markdown.py, if this machine has python3.
set -eu
if ! command -v python3 >/dev/null 2>&1; then
    echo "web-page-to-markdown needs python3, which this machine does not have." >&2
    exit 127
fi
here=$(dirname "$0")
exec python3 "$here/../lib/page_to_markdown.py" "$@"
