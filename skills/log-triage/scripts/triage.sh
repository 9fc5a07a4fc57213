#!/bin/sh
# Counts and groups the lines of a log: triage.sh FILE [HOW_MANY] [all]
set -eu
if [ $# -lt 1 ]; then
    echo "usage: triage.sh FILE [HOW_MANY] [all]" >&2
    exit 2
fi
if [ ! -r "$1" ]; then
    echo "triage.sh: cannot read $1" >&2
    exit 1
fi
most=${2:-10}
case $most in
    ''|*[!0-9]*) echo "triage.sh: HOW_MANY must be a number" >&2; exit 2 ;;
esac
LC_ALL=C awk -v MOST="$most" -v ALL="${3:-}" '
function level(line,   upper) {
    upper = toupper(substr(line, 1, 200))
    if (upper ~ /(^|[^A-Z])(FATAL|PANIC|CRITICAL|CRIT|EMERG)([^A-Z]|$)/) return "fatal"
    if (upper ~ /(^|[^A-Z])(ERROR|ERR|SEVERE|EXCEPTION)([^A-Z]|$)/) return "error"
    if (upper ~ /(^|[^A-Z])(WARN|WARNING)([^A-Z]|$)/) return "warning"
    if (upper ~ /(^|[^A-Z])(INFO|NOTICE)([^A-Z]|$)/) return "info"
    if (upper ~ /(^|[^A-Z])(DEBUG|TRACE)([^A-Z]|$)/) return "debug"
    return "other"
}
{
    kind = level($0)
    count[kind]++
    if (match($0, /[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/)) {
        stamp = substr($0, RSTART, RLENGTH)
        if (first == "" || stamp < first) first = stamp
        if (stamp > last) last = stamp
    }
    if (ALL != "all" && kind != "fatal" && kind != "error" && kind != "warning") next
    text = substr($0, 1, 300)
    gsub(/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9:.,]+(Z|[-+][0-9:]+)?/, "", text)
    gsub(/[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+/, "<id>", text)
    gsub(/0x[0-9a-fA-F]+/, "<id>", text)
    gsub(/[0-9]+/, "#", text)
    gsub(/[ \t]+/, " ", text)
    sub(/^ /, "", text)
    if (!(text in times)) at[text] = NR
    times[text]++
}
END {
    printf "lines: %d\n", NR
    if (first != "") printf "from %s to %s\n", first, last
    split("fatal error warning info debug other", order, " ")
    for (i = 1; i <= 6; i++) if (count[order[i]]) printf "%s: %d\n", order[i], count[order[i]]
    print ""
    sorter = "sort -k1,1nr -k2,2n | head -n " MOST
    for (text in times) printf "%d\t%d\t%s\n", times[text], at[text], text | sorter
    close(sorter)
}' "$1"
