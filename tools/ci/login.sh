#!/bin/bash
# On GitLab: logs in to the project's own registry (or as DOCKER_AUTH_CONFIG says) for this job alone.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/job.sh"

umask 077
mkdir -p "$base/docker"
if [ -n "${DOCKER_AUTH_CONFIG:-}" ]; then
    printf '%s\n' "$DOCKER_AUTH_CONFIG" >"$base/docker/config.json"
elif [ -n "${CI_REGISTRY_PASSWORD:-}" ]; then
    login=$(printf '%s:%s' "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" | base64 --wrap=0)
    printf '{"auths": {"%s": {"auth": "%s"}}}\n' "$CI_REGISTRY" "$login" >"$base/docker/config.json"
fi
