#!/usr/bin/env bash
# What --out, --history and --plot leave on the disk: the whole of one result, or nothing.
source "$(dirname "$0")/lib.bash"

root=(--root 'z**2 - a' --z0 1 --loss z)
# A result, and what else is in the folder stays.
rm -rf folder new nested both link
mkdir folder
echo mine >folder/mine.txt
run 0 solve "${root[@]}" --input a=2 --hessian a --jacobian a --out folder --quiet
listed() { check "$1 has: ${*:2}" [ "$(ls -A "$1" | tr '\n' ' ')" = "${*:2} " ]; }
listed folder gradient-a.npy hessian-a.npy jacobian-a.npy loss.npy mine.txt result.json z.npy

# A later one replaces it: nothing of the first is left, whether the solve fails or does without some of the files.
run 3 solve "${root[@]}" --input a=-2 --out folder --quiet
listed folder loss.npy mine.txt result.json z.npy
hasnt folder/result.json '"status": "converged"'
run 0 solve --root 'z - b' --z0 1 --input b=3 --loss z --out folder --quiet
listed folder gradient-b.npy loss.npy mine.txt result.json z.npy
run 0 solve --value b --input b=3 --out folder --quiet
listed folder mine.txt result.json z.npy
cp folder/result.json before

# A run that is refused, or cannot write, leaves the earlier result as it was, and nothing else.
run 2 solve --root 'z - q' --z0 1 --out folder --quiet
run 2 solve --root 'stack([z, z])' --z0 1 --out folder --quiet
run 4 solve --value b --input b=4 --out folder --plot nowhere/plot.svg --quiet
has err 'nowhere/plot.svg'
check 'a limit on the size of files' [ "$(
  ulimit -f 1
  "$dini" solve --value 'zeros(1000)' --out folder --quiet 2>err
  echo $?
)" -eq 4 ]
has err 'folder/z.npy'
has err 'File too large'
check 'a limit, and a new folder' [ "$(
  ulimit -f 1
  "$dini" solve --value 'zeros(1000)' --out new/folder --quiet 2>err
  echo $?
)" -eq 4 ]
check 'which is gone' [ ! -e new ]
check 'a limit, and a table' [ "$(
  ulimit -f 0
  "$dini" solve "${root[@]}" --input a=2 --history limited.csv --quiet 2>err
  echo $?
)" -eq 4 ]
check 'which is not there' [ ! -e limited.csv ]
check 'a limit, and standard output' [ "$(
  ulimit -f 1
  "$dini" solve --value 'zeros(1000)' --json 2>err >long.json
  echo $?
)" -eq 4 ]
mkdir -p nested/z.npy
run 4 solve --value b --input b=4 --out nested --quiet
has err 'nested/z.npy: is a directory'
listed nested z.npy
listed folder mine.txt result.json z.npy
check 'the earlier result' cmp -s before folder/result.json
run 2 solve --root 'stack([z, z])' --z0 1 --out nested/never --quiet
listed nested z.npy

# Where there can be no folder is known before the solve, which would end with status 2.
: >file
run 4 solve --root 'stack([z, z])' --z0 1 --out file
has err '--out: file: '
for option in --out --history --plot; do
  run 2 solve --value b --input b=1 $option ''
  has err "$option: the path is empty"
done
run 0 solve --value b --input b=1 --out new/a/../folder/ --quiet
listed new/folder result.json z.npy

# Two that write into one folder take turns: all files are of one of them.
for round in $(seq 20); do
  "$dini" solve "${root[@]}" --input a=4 --jacobian a --out both --quiet &
  "$dini" solve --root 'z**2 - b' --z0 1 --loss z --input b=9 --hessian b --out both --quiet
  check "one of two, round $round" [ $? -eq 0 ]
  wait $!
  check "the other, round $round" [ $? -eq 0 ]
  case $(ls -A both | tr '\n' ' ') in
    'gradient-a.npy jacobian-a.npy loss.npy result.json z.npy ') name=a ;;
    'gradient-b.npy hessian-b.npy loss.npy result.json z.npy ') name=b ;;
    *) name='' ;;
  esac
  check "files of one run, round $round: $(ls both)" [ -n "$name" ]
  check "their result, round $round" grep -q "\"gradient\": {\"$name\"" both/result.json
done

# A link in the folder is replaced, not what it points to.
mkdir link
echo mine >target
ln -s ../target link/z.npy
run 0 solve --value b --input b=1 --out link --quiet
check 'what a link pointed to' [ "$(cat target)" = mine ]
check 'a file in its place' [ ! -L link/z.npy ]
finish
