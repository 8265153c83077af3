#!/usr/bin/env bash
# Usage: try_wheel.sh [root]
# Installs the wheel in build/wheel into a new virtual environment, and runs examples/notebook.py with it, whose numbers have to be those
# that the file says. With a root, the folder of a system that debootstrap made
#   (debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm root),
# all of it in that system, which has none of the packages that the wheel was built with. Prints what the wheel holds.
set -euo pipefail
cd "$(dirname "$0")/.."
root=${1:-}

wheels=(build/wheel/*.whl)
[ ${#wheels[@]} -eq 1 ] && [ -f "${wheels[0]}" ] || { echo "try_wheel.sh: build/wheel has to hold one wheel: make wheel" >&2; exit 1; }

if [ -n "$root" ]; then
  inside=(chroot "$root")
  place=$("${inside[@]}" mktemp -d)
  # To pip the network has to look as it does here.
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
else
  place=$PWD/build/try_wheel
  inside=(env)
fi
rm -rf "${root}${place:?}"
mkdir -p "${root}${place}"
cp "${wheels[0]}" examples/notebook.py python/tests/test_notebook.py "${root}${place}"

"${inside[@]}" python3 -m venv "$place/venv"
"${inside[@]}" "$place/venv/bin/pip" install -q "$place/$(basename "${wheels[0]}")"
# From another folder than the sources', so that it is the wheel that is imported.
"${inside[@]}" "$place/venv/bin/python" - "$place" <<'PYTHON'
import importlib.metadata
import os
import sys

place = sys.argv[1]
os.chdir("/")
sys.path.insert(0, place)
import dini

assert dini.__file__.startswith(place), dini.__file__
import test_notebook

test_notebook.check(os.path.join(place, "notebook.py"))
files = [(f.locate().stat().st_size, str(f)) for f in importlib.metadata.files("dini") if ".so" in f.name]
for size, name in sorted(files, reverse=True):
    print(f"{size / 1e6:6.1f} MB  {name}")
PYTHON
echo "$(basename "${wheels[0]}"): $(du -k "${wheels[0]}" | cut -f1) kB, gives the notebook's numbers"
