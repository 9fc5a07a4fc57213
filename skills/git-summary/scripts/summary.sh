#!/bin/sh
# Summarises a repository: summary.sh [REPO] [SPAN]
set -eu
repo=${1:-.}
span=${2:-7 days}
if ! command -v git >/dev/null 2>&1; then
    echo "git-summary needs git, which this machine does not have." >&2
    exit 127
fi
if ! git -C "$repo" rev-parse --git-dir >/dev/null 2>&1; then
    echo "summary.sh: $repo is no git repository" >&2
    exit 1
fi
since="$span ago"
count=$(git -C "$repo" log --since="$since" --format=%h | wc -l | tr -d ' ')
echo "branch: $(git -C "$repo" symbolic-ref --short -q HEAD || echo detached)"
echo "commits in the last $span: $count"
if [ "$count" = 0 ]; then
    exit 0
fi
echo
echo "by author:"
git -C "$repo" log --since="$since" --format=%an | sort | uniq -c | sort -rn | head -n 10
echo
echo "files that changed most:"
git -C "$repo" log --since="$since" --name-only --format= | sed '/^$/d' | sort | uniq -c | sort -rn | head -n 10
echo
git -C "$repo" log --since="$since" --numstat --format= |
    awk '$1 ~ /^[0-9]+$/ { added += $1; removed += $2 } END { printf "lines added: %d, removed: %d\n", added, removed }'
echo
echo "latest:"
git -C "$repo" log --since="$since" -n 10 --date=short --format='%h %ad %s'
