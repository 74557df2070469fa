#!/bin/bash
# Ends with exit code 4 where starts became slower, by the records; with 5 where that cannot be ruled out and
# INPUT_FAIL_IF_UNSURE is true.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/job.sh"

words=(compare last "--fail-if-slower=${INPUT_LIMIT:-5%}")
if [ "${INPUT_FAIL_IF_UNSURE:-false}" = true ]; then words+=(--fail-if-unsure); fi
exec "$sociometer" "${words[@]}"
