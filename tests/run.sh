#!/bin/sh
# Set vc and its tests up in .venv-test (or $VC_VENV) and run them; arguments go to pytest. Needs Python 3.11 or newer,
# as python3 or $PYTHON.
set -eu
cd "$(dirname "$0")/.."
venv=${VC_VENV:-.venv-test}
if [ ! -x "$venv/bin/pytest" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --editable .
fi
exec "$venv/bin/python" -m pytest "$@"
