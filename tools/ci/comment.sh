#!/bin/bash
# Comments on the pull or merge request. Not as root: this is the one step that has a token of the job's.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/job.sh"

"$sociometer" comment "--fail-if-slower=${INPUT_LIMIT:-5%}" "--name=${INPUT_NAME:-start-time}"
