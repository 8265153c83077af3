#!/usr/bin/env bash
# Usage: bench.sh BIN_FOLDER
# Runs every benchmark program, one after the other so that they do not disturb each other.
set -euo pipefail
bin=$1
shopt -s nullglob

programs=("$bin"/bench/*)
if [ ${#programs[@]} -eq 0 ]; then
  echo "No benchmark programs in $bin/bench" >&2
  exit 1
fi
for program in "${programs[@]}"; do
  echo "== $(basename "$program")"
  "$program"
done
