#!/bin/sh
# Prints lines of LABEL<tab>NUMBER as bars: bars.sh FILE
set -eu
if [ $# -lt 1 ] || [ ! -r "$1" ]; then
    echo "usage: bars.sh FILE, with a file that can be read" >&2
    exit 2
fi
LC_ALL=C awk -F '\t' '
$2 ~ /^[0-9.]+$/ {
    label[++n] = $1; number[n] = $2
    if ($2 + 0 > high) high = $2 + 0
    if (length($1) > wide) wide = length($1)
}
END {
    if (!n) { print "bars.sh: no line is LABEL<tab>NUMBER" > "/dev/stderr"; exit 1 }
    print "```text"
    for (i = 1; i <= n; i++) {
        size = high > 0 ? int(number[i] / high * 40 + 0.5) : 0
        bar = ""
        for (j = 0; j < size; j++) bar = bar "#"
        printf "%-" wide "s %-40s %s\n", label[i], bar, number[i]
    }
    print "```"
}' "$1"
