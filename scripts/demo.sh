#!/usr/bin/env bash
# Usage: demo.sh BIN_FOLDER
# The textbook's session in C++, then a problem file from the command line.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$1

echo
echo "== A session on implicit layers in C++: examples/notebook.cpp"
echo
"$bin/examples/notebook"
echo
echo "== The same layer as a problem file, solved by the tool: dini solve examples/layer.json"
echo
"$bin/dini" solve examples/layer.json
cat <<END

== Where to go next

  $bin/dini solve --root 'z**2 - a' --input a=2 --z0 1 --loss z      a problem without a file
  $bin/dini solvers                                                  the solvers and their options
  examples/                                                          programs to start from
  README.md                                                          what is where
END
