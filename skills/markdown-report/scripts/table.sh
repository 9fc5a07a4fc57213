#!/bin/sh
# Prints a CSV file as a Markdown table: table.sh FILE [ROWS]
set -eu
if [ $# -lt 1 ] || [ ! -r "$1" ]; then
    echo "usage: table.sh FILE [ROWS], with a file that can be read" >&2
    exit 2
fi
LC_ALL=C awk -v ROWS="${2:-50}" '
function cells(line,   at, c, value, quoted, n, size) {
    n = 0; value = ""; quoted = 0; size = length(line)
    for (at = 1; at <= size; at++) {
        c = substr(line, at, 1)
        if (quoted) {
            if (c == "\"" && substr(line, at + 1, 1) == "\"") { value = value "\""; at++ }
            else if (c == "\"") quoted = 0
            else value = value c
        } else if (c == "\"" && value == "") quoted = 1
        else if (c == ",") { cell[++n] = value; value = "" }
        else value = value c
    }
    cell[++n] = value
    return n
}
{
    sub(/\r$/, "")
    if ($0 == "") next
    n = cells($0)
    if (!columns) columns = n
    if (++lines > ROWS + 1) next
    for (i = 1; i <= columns; i++) {
        value = i <= n ? cell[i] : ""
        gsub(/\|/, "\\|", value)
        grid[lines, i] = value
        if (lines > 1 && value != "" && value !~ /^[-+]?[0-9.,]+%?$/) text[i] = 1
    }
}
END {
    shown = lines > ROWS + 1 ? ROWS + 1 : lines
    for (row = 1; row <= shown; row++) {
        line = "|"
        for (i = 1; i <= columns; i++) line = line " " grid[row, i] " |"
        print line
        if (row == 1) {
            line = "|"
            for (i = 1; i <= columns; i++) line = line (text[i] ? "---|" : "---:|")
            print line
        }
    }
    if (lines > shown) printf "\n%d of %d rows.\n", shown - 1, lines - 1
}' "$1"
