#!/bin/bash
# Measures INPUT_BEFORE and INPUT_AFTER in one sweep, next to each other in every block, and leaves nothing running.
# A slow start is no failure of this step: it is commented on first, and then judged by gate.sh.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/job.sh"

words=(
    run
    "--image=before=${INPUT_BEFORE:?the image to compare with}"
    "--image=after=${INPUT_AFTER:?the image of this change}"
    --control=before
    "--forms=${INPUT_FORMS:-plain}"
    "--counts=${INPUT_COUNTS:-1}"
    "--blocks=${INPUT_BLOCKS:-8}"
    "--fail-if-slower=${INPUT_LIMIT:-5%}"
    "--results=$results"
    --destroy
)
if [ -n "${INPUT_READY:-}" ]; then words+=("--ready=$INPUT_READY"); fi
# One word per line, so that no shell takes it apart.
while IFS= read -r word; do
    if [ -n "$word" ]; then words+=("$word"); fi
done <<<"${INPUT_OPTIONS:-}"

trap give_back EXIT
code=0
as_root "$sociometer" "${words[@]}" || code=$?
case $code in
0 | 4 | 5) ;;
*) exit "$code" ;;
esac

# The records beside the results, in a file that any SQLite tool reads.
as_root cp "$SOCIOMETER_DATA/store.sqlite" "$results/store.sqlite"
