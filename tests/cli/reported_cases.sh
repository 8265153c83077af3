#!/usr/bin/env bash
# Problems that public bug reports of other programs are about, each with the right answer.
source "$(dirname "$0")/lib.bash"

check 'reported cases' python3 "$source_dir/tests/cli/reported_cases.py" "$dini" "$source_dir/tests/data/reported_cases.json"
finish
