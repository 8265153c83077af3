#!/usr/bin/env bash
# Every mistake in a formula is one message with the column, the line and a mark under it, and status 2; what JSON and TOML can
# do to a reader is, too.
source "$(dirname "$0")/lib.bash"

# refused FILE-OR-OPTIONS...: status 2, the message on standard error alone; with --json one object, too.
refused() {
  run 2 solve "$@"
  check "standard output is empty: $*" [ ! -s out ]
  check "there is a message: $*" [ -s err ]
  run 2 solve "$@" --json
  check "one object: $*" grep -qE '^\{"status": "error", "message": ".+"\}$' out
  check "and nothing else: $*" [ "$(wc -l <out)" -eq 1 ]
}
# wrong COLUMN TEXT FORMULA
wrong() {
  refused --value "$3" --input 'a=[1, 2]' --input 'b=[1, 2, 3]' --input 'W=[[1, 2, 3], [4, 5, 6]]' --input s=2
  has err "column $1: "
  has err "$2"
  check "the line: $3" [ "$(tail -2 err | head -1)" = "  $3" ]
  check "the mark: $3" [ "$(tail -1 err)" = "  $(printf '%*s' "$1" '^')" ]
}

wrong 5 'unknown name `bb`; the nearest known one is `b`' 'a + bb'
wrong 1 'the nearest known one is `logsumexp`' 'logsumexpp(a)'
wrong 1 'takes 3 arguments, got 2' 'where(a > 0, a)'
wrong 1 'at most 3 arguments, got 4' 'sum(a, 0, True, 1)'
wrong 8 'the nearest known one is `keepdims`' 'sum(a, keepdim=True)'
wrong 4 'is never closed' 'sin(a'
wrong 2 'closes nothing' 'a)'
wrong 3 '(2,) and (3,)' 'a + b'
wrong 3 '(2, 3) and (2,)' 'W @ a'
wrong 1 '(2, 3)' 'reshape(W, (4, 2))'
wrong 5 'larger than a number' 'a + 1e999'
wrong 5 'larger than a number' 'a*10**400'
wrong 7 'use `&`' '0 < a < 1'
wrong 7 'literals, len(x) and size(x)' 'zeros(s)'
wrong 2 'out of range' 'a[2]'
wrong 3 'not part of the language; use &, |, ~' 'a and b'

# 10⁵ deep, in a file, since a command line does not take as much.
repeated() { head -c "$2" /dev/zero | sed "s/\x00/$1/g"; }
for text in "$(repeated '(' 100000)" "$(repeated '[' 100000)" "$(repeated '-' 100000)s" "2$(repeated '**2' 60000)" "$(repeated 'e(' 100000)" \
  "$(repeated 'sin(' 60000)" "$(repeated 's[' 100000)" "$(repeated '~' 100000)s"; do
  printf '{"kind": "value", "inputs": {"s": 1}, "formula": "%s"}' "$text" >nested.json
  refused nested.json
  has err 'deeper than 200'
  has err 'column '
  check 'a short message' [ "$(wc -c <err)" -lt 1000 ]
done
printf '{"kind": "value", "formula": "%s"}' "$(repeated '1+' 200000)1" >long.json
refused long.json
has err 'at most 262144'

# Of other keys, which are named.
refused --root 'z - 1' --z0 1 --loss 'zz'
has err 'loss, column 1: unknown name `zz`; the nearest known one is `z`'
refused --root 'z - 1' --z0 'zero(2)'
has err 'z0.formula, column 1: unknown function `zero`; the nearest known one is `zeros`'
printf '{"kind": "root", "formula": "z - h", "let": {"g": "1", "h": "g*\\n  gg"}, "z0": 1}' >let.json
refused let.json
has err 'let.h, line 2, column 3: unknown name `gg`'

# Twenty thousand names, each in terms of the one before.
awk 'BEGIN {
  printf "{\"kind\": \"value\", \"inputs\": {\"a\": 1}, \"let\": {\"g0\": \"a\""
  for (k = 1; k < 20000; ++k) printf ", \"g%d\": \"g%d + 1\"", k, k - 1
  printf "}, \"formula\": \"g19999\", \"loss\": \"z\"}"
}' >lets.json
run 0 solve lets.json --json
has out '"z": 20000.0'
has out '"gradient": {"a": 1.0}'

# Inputs: missing, twice, unused.
refused --root 'z - a' --z0 1
has err 'unknown name `a`'
refused --root 'z - a' --z0 1 --input a=1 --input a=2
has err '`a`'
printf '{"kind": "root", "formula": "z - a", "inputs": {"a": 1, "a": 2}, "z0": 1}' >twice.json
refused twice.json
has err 'the key `a` stands twice'
printf 'kind = "root"\nformula = "z - a"\nz0 = 1\n[inputs]\na = 1\na = 2\n' >twice.toml
refused twice.toml
has err "line 6"
has err "'a'"
refused --root 'z - a' --z0 1 --input a=1 --loss z --gradient b
has err 'there is no input `b`; the nearest known one is `a`'
run 0 solve --root 'z - a' --z0 1 --input a=2 --input bb=3 --json
has err 'warning'
has err '`bb`'
hasnt err '`a`'
check 'the result alone on standard output' grep -qE '^\{"status": "converged"' out
run 0 solve --value 1 $(seq -f '--input a%g=1' 30)
check 'some of many warnings' [ "$(wc -l <err)" -eq 11 ]
has err 'dini: and 20 more warnings'

# Standard input without an end, and files that are no text.
head -c 1000000000 /dev/zero | tr '\0' '[' | timeout 60 "$dini" solve - >out 2>err
check 'a gigabyte of brackets' [ "${PIPESTATUS[2]}" -eq 2 ]
check 'a short message for it' [ "$(wc -c <err)" -lt 1000 ]
printf '\xef\xbb\xbfkind = "root"' >bom.toml
refused bom.toml
printf 'kind = "\xff"' >bytes.toml
refused bytes.toml
printf 'x = %s' "$(repeated '[' 100000)" >deep.toml
refused deep.toml
printf 'a%s = 1' "$(repeated .a 31000)" >keys.toml
refused keys.toml
has err 'keys.toml, line 1, column 202: nested deeper than 100'
for z0 in '[[1, 2], [3]]' '[1, [2]]' '[[1], 2]' '1e400' '[1, -1e400]' 'NaN' '-Infinity' '"1"' 'null' '{}'; do
  printf '{"kind": "root", "formula": "z", "z0": %s}' "$z0" >value.json
  refused value.json
done
finish
