#!/usr/bin/env bash
# The main job of runref, end to end: three trainings on a dirty tree, the commit they were made on
# thrown away, and one of them brought back from its hash. Needs `runref`, git and a Python with
# scikit-learn on PATH (`make demo` sees to it), and no network.
#
#     demo.sh [DIRECTORY]     DIRECTORY: make the repository there and leave it; default: a
#                             temporary one that is removed
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    [ -z "$(ls -A "$1")" ] || { echo "demo: $1 is not empty" >&2; exit 2; }
    work=$(cd "$1" && pwd)
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/runref-demo.XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi

# The demo depends on nobody's git settings and changes nobody's.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.org
export GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.org
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

# Print a command like a terminal would, then run it.
do_it() {
    printf '\n$ %s\n' "$1"
    eval "$1"
}

say() { printf '\n# %s\n' "$*"; }

fail() {
    printf '\ndemo: %s\n' "$*" >&2
    exit 1
}

cp "$here/train.py" "$work"
cd "$work"

say "A repository with a training script"
do_it "git init -q -b main . && printf '%s\n' '__pycache__/' 'model.pkl' 'curves.*' > .gitignore"
do_it "git add -A && git commit -q -m 'train on digits' && git log --oneline"
do_it "runref init"
base=$(git rev-parse HEAD)

say "An edit that is not committed, and a new file that git does not know"
git apply "$here/edit.patch"
do_it "git status --short"

say "Three trainings on that dirty tree"
for rate in 0.02 0.1 0.2; do
    do_it "runref run -e digits -t baseline -o model.pkl -- python train.py --lr $rate"
done

say "What was tried, what differs, how it went"
do_it "runref ls"
do_it "runref diff @~1 @" || [ $? -eq 1 ] # 1: they differ, as with diff itself
do_it "runref plot val/acc @ @~1 @~2 -o curves.svg"
[ -s curves.svg ] || fail "no plot was written"

say "The history is rewritten: the commit of the runs is gone, and the code moves on"
do_it "git add -A && git commit -q --amend -m 'digits, another network'"
do_it "git reflog expire --expire=now refs/heads/main HEAD && git gc -q --prune=now"
if git cat-file -e "$base" 2>/dev/null; then fail "commit $base should be gone"; fi
do_it "rm helper.py model.pkl && echo 'raise SystemExit(\"being rewritten\")' > train.py"

say "The second training comes back from a few digits of its id"
run=$(git log -1 --skip=1 --format='%(trailers:key=Run,valueonly)' refs/runref/runs | head -n 1)
digits=${run#*-}
printf '\n$ runref reproduce %s\n' "${digits:0:6}"
runref reproduce "${digits:0:6}" | tee reproduction.txt
grep -Eq '^ *verdict +identical' reproduction.txt || fail "the verdict is not identical"
rm reproduction.txt

say "And plain git reads it all"
do_it "git log --format='%h %s' refs/runref/runs"
do_it "git fsck --strict --no-dangling --no-progress"

printf '\nverdict identical: run %s was reproduced after its commit was gone.\n' "$run"
[ $# -eq 0 ] || printf 'The repository is in %s\n' "$work"
