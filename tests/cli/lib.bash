# What the scripts share. Each is called with the tool's path.
set -uo pipefail
dini=$1
source_dir=${DINI_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
failures=0

# run STATUS COMMAND...: runs the tool; its output goes to the files out and err.
run() {
  local wanted=$1 got
  shift
  timeout 60 "$dini" "$@" >out 2>err </dev/null
  got=$?
  if [ $got -ne "$wanted" ]; then
    echo "FAILED: dini $*: status $got, wanted $wanted"
    head -5 out err
    failures=$((failures + 1))
  fi
}
# has FILE TEXT: the last run's output contains a text. hasnt: it does not.
has() {
  if ! grep -qF -- "$2" "$1"; then
    echo "FAILED: no '$2' in $1:"
    head -5 "$1"
    failures=$((failures + 1))
  fi
}
hasnt() {
  if grep -qF -- "$2" "$1"; then
    echo "FAILED: '$2' in $1:"
    head -5 "$1"
    failures=$((failures + 1))
  fi
}
# check TEXT CONDITION...: a test's condition.
check() {
  local text=$1
  shift
  if ! "$@"; then
    echo "FAILED: $text"
    failures=$((failures + 1))
  fi
}
finish() {
  [ $failures -eq 0 ] || exit 1
}
