#!/bin/bash
# Builds the tools that the cache has not brought, and ends with exit code 3 and the reason where the lab cannot run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/job.sh"

trap give_back EXIT
as_root "$sociometer" tools install
as_root "$sociometer" doctor
