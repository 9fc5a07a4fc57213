#!/bin/sh
# Prints a table of contents of a Markdown file: toc.sh FILE
set -eu
if [ $# -lt 1 ] || [ ! -r "$1" ]; then
    echo "usage: toc.sh FILE, with a file that can be read" >&2
    exit 2
fi
LC_ALL=C awk '
/^(```|~~~)/ { code = !code; next }
!code && /^#+ / {
    match($0, /^#+/)
    depth = RLENGTH
    title = substr($0, depth + 2)
    anchor = tolower(title)
    gsub(/[^a-z0-9 _-]/, "", anchor)
    gsub(/ /, "-", anchor)
    if (used[anchor]++) anchor = anchor "-" used[anchor] - 1
    if (depth > 1) printf "%*s- [%s](#%s)\n", (depth - 2) * 2, "", title, anchor
}' "$1"
