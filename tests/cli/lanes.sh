#!/usr/bin/env bash
# Batches: each lane is what it would be as a problem of its own.
source "$(dirname "$0")/lib.bash"

check 'lanes' python3 "$source_dir/tests/cli/lanes.py" "$dini"
finish
