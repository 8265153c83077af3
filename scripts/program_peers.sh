#!/usr/bin/env bash
# Usage: program_peers.sh BUILD_FOLDER
# Quadratic programs by Dini's benchmark in the build folder and by other libraries, which are installed from PyPI into an environment
# there. Prints the tables of docs/quadratic-programs.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
environment=$build/peers
data=$environment/programs

[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check numpy scipy proxsuite clarabel osqp quadprog
mkdir -p "$data"
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
"$build/bin/bench/program_peers" "$data"
"$environment/bin/python" "$here/program_peers.py" "$data"
