#!/usr/bin/env bash
# What a deadline, Ctrl-C and SIGTERM end, how soon, and with which status.
. "$(dirname "$0")/lib.bash"

# Twenty products, which would take a minute.
product='ones((3000, 3000))'
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do product="($product / 3000) @ ones((3000, 3000))"; done
endless=(--fixed-point 'z*(1 - 1e-9) + 1e-9*a' --input a=2 --z0 'zeros(2000)' --solver forward_iteration
  --max-steps 1000000000 --tolerance 0)

# A thousand lanes of it; a Hessian of which each row is such products; differences of a slow solve for each of thirty numbers.
lanes=(--fixed-point 'z*(1 - 1e-9) + 1e-9*a' --input "a=[$(seq -s, 1000)]" --batch a --z0 'zeros(20)' --solver forward_iteration
  --max-steps 1000000000 --tolerance 0)
matrix='ones((1500, 1500)) / 1500'
rows="x**2"
for _ in 1 2 3 4 5 6 7 8 9 10; do rows="($matrix) @ ($rows)"; done
hessian=(--root 'z - 1' --z0 2 --input "x=[$(seq -s, 1500)]" --loss "z*sum(($rows)**2)" --hessian x)
differences=(--fixed-point 'z*(1 - 1e-4) + 1e-4*a' --input "a=[$(seq -s, 30)]" --z0 'zeros(30)' --loss 'sum(z**2)' --check)

# ended WANTED COMMAND...: runs it; its status is WANTED, and it is over long before it would be by itself.
ended() {
  local wanted=$1 begin got
  shift
  begin=$SECONDS
  "$@" >out 2>err </dev/null
  got=$?
  check "$*: status $got, wanted $wanted" [ $got -eq "$wanted" ]
  check "$*: took $((SECONDS - begin)) s" [ $((SECONDS - begin)) -lt 10 ]
}

for signal in INT TERM; do
  ended 3 timeout --preserve-status -s $signal 1 "$dini" solve "${endless[@]}" --json
  has out '"status": "cancelled"'
  has out '"z": '
  ended 3 timeout --preserve-status -s $signal 1 "$dini" solve --value "sum($product)" --json
  has out '"status": "cancelled"'
  has out 'by a signal'
  check 'one object' [ "$(wc -l <out)" -eq 1 ]
  ended 3 timeout --preserve-status -s $signal 1 "$dini" solve "${lanes[@]}" --json
  has out '"status": ["cancelled", "cancelled"'
  has out '"z": [['
  has err '0 of 1000 lanes converged; cancelled by a signal'
  ended 3 timeout --preserve-status -s $signal 1 "$dini" solve "${hessian[@]}" --json
  has out '"status": "cancelled", "message": "cancelled by a signal"'
  has out '"z": 1.0, "loss": '
  hasnt out '"hessian"'
  ended 3 timeout --preserve-status -s $signal 1 "$dini" solve "${differences[@]}" --json
  has out '"status": "cancelled"'
  has out '"gradient": '
  hasnt out '"check"'
done
ended 3 "$dini" solve --value "sum($product)" --deadline 0.5 --json --out made
has out '"status": "cancelled"'
has out 'the deadline has passed'
has err 'the deadline has passed'
check 'no folder of a run that was ended' [ ! -e made ]
for problem in endless lanes hessian differences; do
  declare -n options=$problem
  ended 3 "$dini" solve "${options[@]}" --deadline 0.5 --json
  has out '"cancelled"'
  has out '"z": '
  has err 'the deadline has passed'
done

# A signal that comes while the result is written, here to a pipe that nobody reads yet, is not forgotten.
mkfifo unread
"$dini" solve --value 'ones((300, 300))' --json >unread 2>err &
exec 3<unread
sleep 0.5
kill -INT $!
exec 4<&3-
cat <&4 >out
wait $!
got=$?
check "a signal while the result is written: status $got, wanted 3" [ $got -eq 3 ]
has err 'a signal came'
finish
