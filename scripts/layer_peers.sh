#!/usr/bin/env bash
# Usage: layer_peers.sh BUILD_FOLDER [--small]
# Layers and batches by Dini's benchmarks in the build folder, by loops by hand in the same programs, and by other libraries, which are
# installed from PyPI into an environment there. Prints a table of ratios, and leaves what was measured in BUILD_FOLDER/peers/layers.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
environment=$build/peers
results=$environment/layers

[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check numpy jax jaxopt optimistix casadi
mkdir -p "$results"
"$build/bin/bench/layers" --json >"$results/layers.json"
"$build/bin/bench/batches" --json "$@" >"$results/batches.json"
"$environment/bin/python" "$here/layer_peers.py" "$results" "$@"
