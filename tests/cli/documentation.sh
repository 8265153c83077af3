#!/usr/bin/env bash
# What the documentation shows of the tool is what it does.
source "$(dirname "$0")/lib.bash"

rm -rf result examples
cp "$source_dir"/examples/data/*.npy .
ln -s "$source_dir/examples" examples
check 'documentation' python3 "$source_dir/tests/cli/documentation.py" "$dini" "$source_dir/README.md" "$source_dir/docs/problem-files.md"
finish
