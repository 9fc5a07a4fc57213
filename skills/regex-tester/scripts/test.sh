#!/bin/sh
# Tries a POSIX extended regular expression on lines: test.sh EXPRESSION FILE, where - is standard input
set -eu
if [ $# -ne 2 ]; then
    echo "usage: test.sh EXPRESSION FILE" >&2
    exit 2
fi
status=0
printf '\n' | grep -E -e "$1" >/dev/null 2>&1 || status=$?
if [ "$status" -gt 1 ]; then
    echo "test.sh: this is no regular expression: $1" >&2
    exit 2
fi
if [ "$2" != - ] && [ ! -r "$2" ]; then
    echo "test.sh: cannot read $2" >&2
    exit 1
fi
EXPRESSION=$1 awk '
BEGIN { expression = ENVIRON["EXPRESSION"] }
match($0, expression) {
    yes++
    printf "match     %s[%s]%s\n", substr($0, 1, RSTART - 1), substr($0, RSTART, RLENGTH), substr($0, RSTART + RLENGTH)
    next
}
{ no++; printf "no match  %s\n", $0 }
END { printf "%d match, %d do not\n", yes, no }' "$2"
