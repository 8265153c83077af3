# What the scripts share. Each is called with the tool's path, in a folder of its own.
set -uo pipefail
dini=$1
source_dir=${DINI_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
failures=0
if [ -e CMakeLists.txt ]; then
  echo "$0: to be run in an empty folder, whose files it replaces; not among sources" >&2
  exit 2
fi

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
# near KEY VALUE: a value of the last run's JSON, `duals.lower` say, is this one to nine digits.
near() {
  if ! python3 - "$1" "$2" <<'END'; then
import json, sys
def same(got, want):
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want))
    if isinstance(want, dict):
        return isinstance(got, dict) and set(got) == set(want) and all(same(got[k], want[k]) for k in want)
    return got == want or not isinstance(got, (str, list, dict)) and abs(got - want) <= 1e-9 * max(1, abs(want))
got = json.load(open("out"))
for key in sys.argv[1].split("."):
    got = got.get(key, "nothing")
if not same(got, json.loads(sys.argv[2])):
    sys.exit(print(f"{sys.argv[1]} is {got}, wanted {sys.argv[2]}") or 1)
END
    echo "FAILED: in the last of these: $(head -c 300 out)"
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
