#!/bin/sh
# Prints the text of a PDF: text.sh FILE
set -eu
if [ $# -ne 1 ] || [ ! -r "$1" ]; then
    echo "usage: text.sh FILE, with a file that can be read" >&2
    exit 2
fi
if command -v pdftotext >/dev/null 2>&1; then
    exec pdftotext -layout -- "$1" -
fi
if command -v python3 >/dev/null 2>&1; then
    here=$(dirname "$0")
    exec python3 "$here/../lib/pdf_text.py" "$1"
fi
echo "pdf-text needs pdftotext or python3; this machine has neither." >&2
exit 127
