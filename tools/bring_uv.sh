#!/bin/sh
# Brings uv into .uv when the machine has none. Needs Python 3.11 or newer with the venv module.
set -eu

for candidate in python3.14 python3.13 python3.12 python3.11 python3 python; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "Installing uv into .uv (once) with $("$candidate" --version) ..."
        "$candidate" -m venv .uv
        .uv/bin/python -m pip install --quiet --disable-pip-version-check uv
        exit 0
    fi
done

echo "Hexclave needs Python 3.11 or newer with its venv module (on Debian and Ubuntu: apt-get install python3-venv)." >&2
exit 1
