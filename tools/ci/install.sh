#!/bin/bash
# Installs Sociometer for this job: the version that these scripts belong to, or INPUT_PACKAGE (what `uv tool install`
# takes: a version, a wheel, a git URL). Needs no root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/job.sh"

package=${INPUT_PACKAGE:-$(cd "$here/../.." && pwd)}
mkdir -p "$base/results" "$SOCIOMETER_CACHE" "$SOCIOMETER_DATA"
uv=$(sh "$here/../uv.sh")
UV_TOOL_DIR="$base/tool" UV_TOOL_BIN_DIR="$base/bin" "$uv" tool install --quiet --force "$package"
"$sociometer" --version

# The tools' pins are the key of their cache. What root built can be used again on the same release of the system only.
system=$(sed -n 's/^\(ID\|VERSION_ID\)=//p' /etc/os-release | tr -d '"\n')
key=$("$sociometer" tools key)
output tools "$SOCIOMETER_CACHE/tools"
output key "sociometer-tools-$system-$key"
output records "$results"
