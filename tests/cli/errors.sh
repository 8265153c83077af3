#!/usr/bin/env bash
# What is wrong is said once, with its name and place, and tells statuses 2, 3 and 4 apart.
source "$(dirname "$0")/lib.bash"

# The command line and the problem: 2.
run 2
run 2 solve
run 2 frobnicate
run 2 solve --frobnicate
run 2 solve --root 'z' --value '1' --z0 1
run 2 solve --root 'z - q' --z0 1
has err 'unknown name `q`'
has err 'column 5'
run 2 solve --root 'z - q' --z0 1 --json
has out '{"status": "error", "message": "'
check 'one message' [ "$(wc -l <out)" -eq 1 ]
run 2 solve --root 'z - a' --input a=2
has err '`z0`'
run 2 solve --root 'z - a' --input a --z0 1
has err 'NAME=VALUE'
run 2 solve --root 'z - a' --input a=1 --input a=2 --z0 1
has err 'given twice'
run 2 solve --root 'z - a' --input a=1e400 --z0 1
run 2 solve --root 'z - a' --input 'a=[1, [2]]' --z0 1
has err 'ragged'
run 2 solve --root 'stack([z, z])' --z0 1
run 2 solve --root 'z - a' --input 'a=[1, 2]' --z0 '[1, 2, 3]'
has err '(3,)'
has err '(2,)'
run 2 solve --root 'z - 1' --z0 1 --loss 'stack([z, z])'
has err '`loss`'
run 2 solve --root 'z - 1' --z0 1 --solver nwton
has err '`newton`'
run 2 solve --root 'z - 1' --z0 1 --solver '{"name": "newton", "slop": 1}'
has err '`slope`'
run 2 solve --root 'z - 1' --z0 1 --solver '{"name": "newton", "slope": 1}'
has err '`solver`: newton: slope must be in [0, 1), got 1'
run 2 solve --root 'z - 1' --z0 1 --solver '{"name": "newton", "max_halvings": 1.5}'
has err 'whole number'
run 2 solve --root 'z - 1' --z0 1 --solver anderson
run 2 solve --root 'z - 1' --z0 1 --adjoint gmrs
has err '`adjoint`: there is no `gmrs`; there are `auto`, `direct`'
run 2 solve --root 'z - 1' --z0 1 --adjoint '{"name": "gmres", "restart": 0}'
has err '`adjoint`: gmres: restart must be a whole number, 1 or more, got 0'
run 2 solve --root 'z - 1' --z0 1 --adjoint neumann --loss z --input a=1
run 2 solve --root 'z - 1' --z0 1 --tolerance -1
has err '`tolerance`'
run 2 solve --root 'z - 1' --z0 1 --tolerance x
run 2 solve --root 'z - 1' --z0 1 --max-steps 1.5
run 2 solve --root 'z - 1' --z0 1 --dtype float16
run 2 solve --root 'z - 1' --z0 1 --check
run 2 solve --root 'z - a' --input a=1 --bracket '[0]'
has err '`bracket`'
run 2 solve --root 'z - a' --input a=1 --z0 1 --bracket '[[0, 0], [5, 5]]'
has err '`bracket`: an end of shape (2,) does not fit z of shape ()'
run 2 solve --root 'z - a' --input a=1 --bracket '[0, 5]' --solver newton
has err 'not for problems of kind `bracketed_root`'
run 2 solve --root 'z - a' --input a=1 --z0 1 --solver itp
has err 'itp is for bracketed_root'
run 2 solve --value 'zeros((1000000, 1000000))'
has err 'max-memory'
run 2 solve --value 'sum(zeros(1000))' --max-memory 1K
run 2 solve --value '1e999'
run 2 solve --value a --input 'a={"file": ""}'
has err 'this is no path'
# Only counted, never made.
for made in 'linspace(0, 1, 10**8)' 'linspace(0, 1, 10**8, endpoint=False)' 'arange(0, 1, 1e-8)' 'arange(10**8)'; do
  run 2 solve --value "$made[0]" --max-memory 10M
  has err 'max-memory'
done
# What solvers, adjoints and second derivatives form counts, and it is said what does without.
run 2 solve --root 'z**3 - roll(z, 1)' --z0 '2*ones(6000)' --max-memory 500M --solver newton
has err '`solver`: newton forms a matrix of 6000 x 6000 and its factors, which would take'
has err 'more than the limit of 500 MB'
# Who names no solver gets one that forms none, and of elementwise equations there is none.
run 0 solve --root 'z**3 + z - roll(z, 1) - 1' --z0 '2*ones(6000)' --max-memory 500M
run 0 solve --root 'z**3 - 1' --z0 '2*ones(6000)' --max-memory 500M --solver newton
run 2 solve --fixed-point '0.3*roll(z, 1) - x' --input x=1 --z0 'ones(6000)' --max-memory 500M --solver newton
has err 'none is formed by `forward_iteration`, `anderson`, `limited_memory_broyden`, `newton_krylov` and `df_sane`'
run 2 solve --fixed-point '0.3*roll(z, 1) - x' --input x=1 --z0 'ones(6000)' --loss 'sum(z)' --max-memory 500M --adjoint direct
has err '`adjoint`: direct forms a matrix of 6000 x 6000'
has err 'none is formed by `gmres`'
run 0 solve --fixed-point '0.3*roll(z, 1) - x' --input x=1 --z0 'ones(6000)' --loss 'sum(z)' --max-memory 500M
run 2 solve --fixed-point '0.3*sin(roll(z, 1)) - x' --input "x=[$(seq -s, 500)]" --z0 'ones(500)' --loss 'sum(z)' --hessian x --max-memory 500M
has err 'the Hessian in `x` would take'
has err 'the adjoint `gmres` takes less'
# Rows without elements are written all the same.
for shape in '(10**18, 0, 10**18)' '(10**8, 0)'; do
  run 2 solve --value "zeros($shape)" --json --max-memory 10M
  has err 'max-memory'
done
printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 0), }" >rows.npy
run 2 solve --value 'sum(x)' --loss z --input x=rows.npy --json --max-memory 10M
has err 'the gradient in `x`'
run 2 solve --value 'sum(x)' --input x=rows.npy --jacobian x --max-memory 10M
has err 'the Jacobian in `x`'
run 2 solve --value 'sum(x)' --input x=rows.npy --batch x --max-memory 10M
has err '`batch`: 1000000000000 lanes'
# An index that is out of range, computed or not, with a loss or without.
for kind in '--root z-x[k+5]' '--fixed-point 0.5*z+x[k+1]' '--root z-take(x,arange(3)+1)' '--minimize sum((z-x[k-7])**2)'; do
  run 2 solve ${kind%% *} "${kind#* }" --input 'k={"value": [0, 1, 2], "dtype": "int64"}' --input 'x=[1, 2, 3]' --z0 '[0, 0, 0]'
  has err 'out of range'
  has err 'column'
done
run 2 solve --value 'x[x > 1]' --input 'x=[1, 2, 3]'
has err 'formula, column 5: a mask picks'
run 2 solve --value "$(printf '(%.0s' $(seq 30000))"
has err 'deeper than 200'
run 0 solve --root 'z - a' --input a=2 --input b=3 --z0 1
has err 'warning'
has err '`b`'

# Problem files.
printf '\xef\xbb\xbf{}' >bom.json
run 2 solve bom.json
has err 'byte order mark'
printf '{"kind": "\xff"}' >bytes.json
run 2 solve bytes.json
head -c 100000 /dev/zero | tr '\0' '[' >deep.json
run 2 solve deep.json
has err 'deeper than 100'
head -c 100000 /dev/zero | tr '\0' '[' | timeout 60 "$dini" solve - >out 2>err
check 'a deep standard input' [ $? -eq 2 ]
printf '{"kind": "root", "kind": "root"}' >twice.json
run 2 solve twice.json
has err '`kind` stands twice'
printf '{"kind": "root", "formla": "z"}' >key.json
run 2 solve key.json
has err '`formula`'
: >empty.json
run 2 solve empty.json
printf '{"kind": "value", "formula": "\\u001b[31m"}' >escape.json
run 2 solve escape.json
check 'no escape sequence on the terminal' [ "$(tr -cd '\033' <err | wc -c)" -eq 0 ]

# Files: 4.
run 4 solve nowhere.json
has err 'nowhere.json'
run 4 solve .
rm -f pipe
mkfifo pipe
run 4 solve pipe
run 4 solve --value a --input a=nowhere.npy
has err 'nowhere.npy'
run 4 solve --value a --input a=pipe/a.npy
printf 'not numpy' >bad.npy
run 4 solve --value a --input a=bad.npy
has err 'bad.npy'
run 4 solve --value a --input a=1 --out /dev/null/x
run 4 solve --value a --input a=1 --json --out /dev/null/x
has out '"status": "error"'
check 'one object' [ "$(wc -l <out)" -eq 1 ]
if [ -e /dev/full ]; then
  "$dini" solve --value a --input a=1 >/dev/full 2>err
  check 'a full standard output' [ $? -eq 4 ]
fi
check 'no temporary files' [ -z "$(ls | grep -E '\.(part|tmp)' || true)" ]

# How many threads there are changes no bit; what is no number of threads is an error.
printf '%s' '{"kind": "root", "formula": "z**2 - a", "inputs": {"a": ['"$(seq -s, 300)"']}, "batch": ["a"], "z0": 2, "loss": "z"}' >lanes.json
for threads in 1 2 5; do
  DINI_THREADS=$threads run 0 solve lanes.json --quiet --out threads_$threads
  for file in z loss gradient-a; do
    check "$file by $threads threads" cmp -s threads_1/$file.npy threads_$threads/$file.npy
  done
done
for threads in 0 257 two 1.5; do
  DINI_THREADS=$threads run 2 solve lanes.json
  has err 'DINI_THREADS'
done

finish
