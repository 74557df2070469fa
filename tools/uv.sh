#!/bin/sh
# Prints the path of uv: the one on PATH when it works, else one of our own, installed once into the cache.
set -eu

say() { echo "$*" >&2; }

working_uv() {
    # A version manager's stand-in can be on PATH without a uv behind it: only an answer counts.
    case "$("$1" --version 2>/dev/null || true)" in
        "" | "uv 0."[0-4].*) return 1 ;;
        "uv "*) return 0 ;;
        *) return 1 ;;
    esac
}

python_with_venv() {
    for name in python3 /usr/bin/python3; do
        if "$name" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$name"
            return 0
        fi
    done
    return 1
}

if [ -n "${UV:-}" ] && working_uv "$UV"; then
    echo "$UV"
    exit 0
fi
if working_uv uv; then
    command -v uv
    exit 0
fi

here=$(cd "$(dirname "$0")" && pwd)
home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
cache=${SOCIOMETER_CACHE:-${XDG_CACHE_HOME:-$home/.cache}/sociometer}
place=$cache/uv-$(cksum <"$here/uv/requirements.txt" | cut -d' ' -f1)
if working_uv "$place/bin/uv"; then
    echo "$place/bin/uv"
    exit 0
fi

if ! python=$(python_with_venv); then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "Setting up needs uv, or python3 with its venv module to install uv."
        say "Install one of them (Debian, Ubuntu: sudo apt-get install python3-venv), then try again."
        exit 3
    fi
    say "Installing the package python3-venv …"
    export DEBIAN_FRONTEND=noninteractive
    packages="apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends python3-venv"
    $packages >&2 || { apt-get -qq update >&2 && $packages >&2; }
    python=$(python_with_venv) || { say "python3-venv is installed, but python3 -m venv does not work."; exit 3; }
fi

mkdir -p "$cache"
# One at a time, where the system has a command for it: the second one finds what the first one installed.
exec 9>"$cache/uv.lock"
if command -v flock >/dev/null; then
    flock 9
    if working_uv "$place/bin/uv"; then
        echo "$place/bin/uv"
        exit 0
    fi
    rm -rf "$cache"/.uv.* # of an installation that was killed
fi

say "Installing uv into $cache …"
draft=$(mktemp -d "$cache/.uv.XXXXXX")
trap 'rm -rf "$draft"' EXIT
trap 'exit 130' INT TERM
"$python" -m venv "$draft/uv" >&2
"$draft/uv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    -r "$here/uv/requirements.txt" >&2
rm -rf "$place"
mv "$draft/uv" "$place"
echo "$place/bin/uv"
