#!/bin/sh
# Drafts a changelog: changelog.sh REPO FROM [TO]
set -eu
if [ $# -lt 2 ]; then
    echo "usage: changelog.sh REPO FROM [TO]" >&2
    exit 2
fi
if ! command -v git >/dev/null 2>&1; then
    echo "changelog-writer needs git, which this machine does not have." >&2
    exit 127
fi
to=${3:-HEAD}
for name in "$2" "$to"; do
    case $name in
        -*) echo "changelog.sh: $name is no version" >&2; exit 2 ;;
    esac
    if ! git -C "$1" rev-parse --verify --quiet "$name^{commit}" >/dev/null; then
        echo "changelog.sh: there is no $name in $1" >&2
        exit 1
    fi
done
echo "## $to"
git -C "$1" log --no-merges --reverse --format='%h%x09%s' "$2..$to" | awk -F '\t' '
{
    hash = $1; subject = $2; kind = "Other"
    if (match(subject, /^[a-zA-Z]+(\([^)]*\))?!?: */)) {
        head = substr(subject, 1, RLENGTH)
        subject = substr(subject, RLENGTH + 1)
        type = tolower(head); sub(/[(!:].*/, "", type)
        if (type == "feat") kind = "Added"
        else if (type == "fix") kind = "Fixed"
        else if (type == "perf" || type == "refactor" || type == "revert") kind = "Changed"
        if (head ~ /!/) kind = "Breaking"
    } else {
        word = tolower(subject); sub(/[^a-z].*/, "", word)
        if (word ~ /^(add|adds|added|new|introduce|introduces)$/) kind = "Added"
        else if (word ~ /^(fix|fixes|fixed|correct|corrects)$/) kind = "Fixed"
        else if (word ~ /^(change|changes|changed|update|updates|rename|renames|improve|improves)$/) kind = "Changed"
    }
    list[kind] = list[kind] "- " subject " (" hash ")\n"
    total++
}
END {
    if (!total) { print "\nNothing changed."; exit }
    split("Breaking Added Fixed Changed Other", order, " ")
    for (i = 1; i <= 5; i++) if (list[order[i]] != "") printf "\n### %s\n\n%s", order[i], list[order[i]]
}'
