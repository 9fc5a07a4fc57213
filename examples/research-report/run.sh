#!/usr/bin/env bash
# Runs the example by one command, without a key and without a network: a model that follows a script, a server, an
# agent with the workflow, and a run of it.
#
#   examples/research-report/run.sh                            fill in the form in a browser
#   examples/research-report/run.sh --answer audience=board    the form answers itself
#
# ROOST names the program (default: roost, from the PATH); TOPIC what is researched. Ctrl-C ends everything.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
roost="${ROOST:-roost}"
work="$(mktemp -d)"
started=()
finish() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  for process in "${started[@]}"; do wait "$process" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Waits for a program to say where it listens, and prints that.
listening() {
  for _ in $(seq 300); do
    local url
    url="$(sed -n 's/.*listening on \(http[^ ]*\).*/\1/p' "$1" | head -n 1)"
    if [ -n "$url" ]; then echo "$url"; return; fi
    if ! kill -0 "$2" 2>/dev/null; then break; fi
    sleep 0.1
  done
  echo "it did not start:" >&2
  cat "$1" >&2
  return 1
}

"$roost" fake-model --listen 127.0.0.1:0 --script "$here/script.yaml" 2>"$work/model.log" &
started+=($!)
model="$(listening "$work/model.log" $!)"

OPENAI_API_KEY=none OPENAI_BASE_URL="$model/v1" \
  "$roost" up --listen 127.0.0.1:0 --data "$work/data" --model openai/scripted >"$work/up.log" 2>"$work/server.log" &
started+=($!)
listening "$work/server.log" $! >/dev/null

"$roost" workflow put robin "$here/workflow.yaml" --data "$work/data"
"$roost" run Researcher --input "topic=${TOPIC:-tea}" --follow "$@" --data "$work/data"
echo "The page stays up until you press Ctrl-C."
wait "${started[-1]}"
