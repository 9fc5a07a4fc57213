#!/bin/sh
# Summarises a CSV file: insights.sh FILE [DELIMITER]
set -eu
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo "usage: insights.sh FILE [DELIMITER]" >&2
    exit 2
fi
if [ ! -r "$1" ]; then
    echo "insights.sh: cannot read $1" >&2
    exit 1
fi
delimiter=${2:-,}
if [ "$delimiter" = TAB ]; then
    delimiter=$(printf '\t')
fi
LC_ALL=C awk -v D="$delimiter" '
function flush_row(   i) {
    if (n == 1 && field[1] == "") { n = 0; return }
    if (!columns) {
        columns = n
        for (i = 1; i <= n; i++) name[i] = field[i]
    } else {
        rows++
        if (n != columns) uneven++
        for (i = 1; i <= columns; i++) take(i, i <= n ? field[i] : "")
    }
    n = 0
}
function take(i, value) {
    if (value == "") { empty[i]++; return }
    filled[i]++
    if (distinct[i] < 10000 && !((i, value) in seen)) { seen[i, value] = 1; distinct[i]++ }
    if (value ~ /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$/) {
        numbers[i]++
        sum[i] += value
        if (numbers[i] == 1 || value + 0 < low[i]) low[i] = value + 0
        if (numbers[i] == 1 || value + 0 > high[i]) high[i] = value + 0
    }
    if (filled[i] == 1 || value < first[i]) first[i] = value
    if (filled[i] == 1 || value > last[i]) last[i] = value
}
{
    sub(/\r$/, "")
    line = (open ? part "\n" : "") $0
    if (!open && NR == 1) sub(/^\357\273\277/, line = line)
    part = ""; open = 0; n = 0; value = ""; quoted = 0; length_of_line = length(line)
    for (at = 1; at <= length_of_line; at++) {
        c = substr(line, at, 1)
        if (quoted) {
            if (c == "\"" && substr(line, at + 1, 1) == "\"") { value = value "\""; at++ }
            else if (c == "\"") quoted = 0
            else value = value c
        } else if (c == "\"" && value == "") quoted = 1
        else if (c == D) { field[++n] = value; value = "" }
        else value = value c
    }
    if (quoted) { part = line; open = 1; next }
    field[++n] = value
    flush_row()
}
END {
    if (open) { print "insights.sh: a quote is opened and never closed" > "/dev/stderr"; exit 1 }
    printf "rows: %d\ncolumns: %d\nuneven rows: %d\n\n", rows, columns, uneven
    print "column\tkind\tempty\tdistinct\tmin\tmax\tmean"
    for (i = 1; i <= columns; i++) {
        many = distinct[i] >= 10000 ? "10000+" : distinct[i] + 0
        if (!filled[i]) printf "%s\tempty\t%d\t0\t\t\t\n", name[i], empty[i]
        else if (numbers[i] == filled[i])
            printf "%s\tnumber\t%d\t%s\t%.6g\t%.6g\t%.6g\n", name[i], empty[i], many, low[i], high[i], sum[i] / numbers[i]
        else printf "%s\ttext\t%d\t%s\t%s\t%s\t\n", name[i], empty[i], many, substr(first[i], 1, 40), substr(last[i], 1, 40)
    }
}' "$1"
