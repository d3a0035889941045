#!/bin/sh
# Set vc up in .venv (or $VC_VENV) and convert the bundled example. Needs Python 3.11 or newer, as python3 or $PYTHON.
set -eu
cd "$(dirname "$0")/.."
venv=${VC_VENV:-.venv}
if [ ! -x "$venv/bin/vc" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check .
fi
"$venv/bin/vc" example -o example.wav --force
