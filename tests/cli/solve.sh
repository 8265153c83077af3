#!/usr/bin/env bash
# What the tool finds, and how it says so.
source "$(dirname "$0")/lib.bash"

# √2 and its derivatives: 1/(2√2), -1/(4·2√2).
run 0 solve --root 'z**2 - a' --input a=2 --z0 1 --loss z --hessian a --jacobian a --json
has out '"status": "converged"'
has out '"z": 1.414213562373095'
has out '"gradient": {"a": 0.3535533905932737'
has out '"hessian": {"a": [[-0.0883883476483184'
has out '"jacobian": {"a": 0.3535533905932737'
has out '"exact": true'
check 'one line on standard output' [ "$(wc -l <out)" -eq 1 ]
check 'nothing on standard error' [ ! -s err ]

run 0 solve --root 'z**2 - a' --input a=2 --z0 1 --loss z --check
has out 'digits of the gradient agree'
has out 'converged'

# cos z + 0.3 = z.
run 0 solve --fixed-point 'cos(z) + t' --input t=0.3 --z0 1 --loss z --json
has out '"z": 0.91209242766'
has out '"gradient": {"t": 0.55841394343'
run 0 solve --fixed-point 'cos(z) + t' --input t=0.3 --z0 1 --loss z --json --adjoint one_step
has out '"gradient": {"t": 1.0}'
has out '"exact": false'
for solver in newton anderson forward_iteration fwd_solver; do
  run 0 solve --fixed-point 'cos(z) + t' --input t=0.3 --z0 1 --loss z --json --solver $solver
  has out "\"solver\": \"$solver\""
  has out '"z": 0.9120'
done
run 0 solve --fixed-point 'cos(z) + t' --input t=0.3 --z0 1 --loss z --json \
  --solver '{"name": "anderson", "history": 3}' --adjoint '{"name": "gmres", "restart": 5}' --tolerance 1e-9 --max-steps 90

# Values, dtypes, what is not finite.
run 0 solve --value 'a/b' --input 'a=[1, -1, 0, -3]' --input 'b=[0, 0, 0, 4]' --json
has out '"z": ["inf", "-inf", "nan", -0.75]'
run 0 solve --value '-0.0*a' --input a=1 --json
has out '"z": -0.0'
run 0 solve --value 'a[i]' --input 'a=[1, 2, 3]' --input 'i={"value": [2, 0], "dtype": "int64"}' --json
has out '"z": [3.0, 1.0]'
run 0 solve --value 'a/3' --input a=1 --dtype float32 --json
has out '"z": 0.33333334,'

# Lanes: 1 - √0.8, and one without a solution.
run 3 solve --fixed-point 'a*z**2 + 0.1' --input 'a=[0.5, 3]' --batch a --z0 0 --loss z --json
has out '"z": [0.10557280900008'
has out '"status": ["converged", "'
has out '"lanes_summed": 1'
has out ', "nan"]'
run 0 solve --fixed-point 'a*z + b' --input 'a=[0.5, 0.25]' --input b=3 --batch a --z0 0 --loss z --json
has out '"z": [6.0, 4.0]'
has out '"lanes_summed": 2'
has out '"b": 3.333333333333333'

# A lane whose solution has no derivative is named, with the reason.
run 3 solve --root '(z - a)*(z - b)**2' --input 'a=[1, 50]' --input 'b=[-40, 2]' --batch a,b --z0 1.5 --loss z --json
has out '"status": ["converged", "converged"]'
has out '"lanes_summed": 1'
has out '"message": "lane 1: derivative of the solution by adjoint: direct: singular, as at a multiple root'
has err 'dini: lane 1: derivative of the solution'
# An index that is out of range in one lane is told, wherever it comes from.
for problem in '--root z-x[where(a>2,7,0)]' '--value x[where(a>2,7,0)]*a' '--root z-a --loss x[where(z>2,7,0)]*z'; do
  run 2 solve $problem --input 'a=[1, 2, 3]' --input 'x=[1, 2, 3]' --batch a --z0 1
  has err 'in lane 2: '
  has err 'index 7 is out of range'
done
# A table of steps, of lanes as well.
run 0 solve --fixed-point 'a*z + b' --input 'a=[0.5, 0.25]' --input b=3 --batch a --z0 0 --history lanes.csv --plot lanes.svg --quiet
has lanes.csv 'lane,step,residual_norm'
has lanes.csv '1,0,3.0'
check 'a curve a lane' [ "$(grep -c '<polyline' lanes.svg)" -eq 2 ]

# Minima and least squares, told from other stationary points.
run 0 solve --minimize 'sum((z - a)**2) + b*z[0]*z[1]' --input 'a=[1, 2]' --input b=0.5 --z0 '[0, 0]' --loss 'sum(z)' --check
run 0 solve --least-squares 'stack([z - a, 2*(z**2 - a)])' --input a=1.2 --z0 1 --loss z --check
run 3 solve --minimize '-sum(z**2)' --z0 '[0.5, 0.5]' --json
has out '"status": "unbounded"'

# Robust fits: of three observations with a wrong one the median, whose objective is ½·0.5²·(5 + 349).
wrong=(--least-squares 'z - y' --input 'y=[1, 2.5, 90]' --z0 1 --loss z)
run 0 solve "${wrong[@]}" --robust '{"name": "huber", "width": 0.5}' --json
near z 2.5
near objective 44.25
near gradient.y '[0, 1, 0]'
for name in huber soft_l1 cauchy tukey; do run 0 solve "${wrong[@]}" --robust $name --check; done
run 0 solve "${wrong[@]}" --robust cauchy --inequality 'cap=z <= 1.25' --json
near z 1.25
near gradient.y '[0, 0, 0]'
run 2 solve "${wrong[@]}" --robust square
has err '`robust`: there is no `square`; there are `huber`, `soft_l1`, `cauchy` and `tukey`'
run 2 solve "${wrong[@]}" --robust '{"name": "huber", "width": 0}'
has err '`robust`: the width must be more than 0, got 0'
run 2 solve "${wrong[@]}" --robust '{"name": "huber", "scale": 2}'
has err '`robust`: there is no option `scale`; there is `width`'

# Failures are results.
run 3 solve --root 'z**2 + a' --input a=2 --z0 1 --loss z --json
hasnt out '"gradient"'
hasnt out '"status": "converged"'
run 3 solve --root 'z**2 - a' --input a=2 --z0 1 --loss z --json --max-steps 1
hasnt out '"gradient"'
run 3 solve --root 'z**2 - a' --input a=2 --z0 1 --loss z --json --max-steps 1 --gradient-anyway
has out '"gradient_anyway": true'
has out '"gradient": {"a": 0.3333333333333333'
run 3 solve --root 'z**2 + 0*a' --input a=2 --z0 1 --loss z --json
has out '"status": "singular"'
run 3 solve --root 'z - a' --input a=2 --z0 1 --max-steps 0 --json
has out '"status": "max_steps"'
has out '"z": 1.0'
run 3 solve --root 'log(z) - a' --input a=2 --z0 -1 --json
has out '"status": "nonfinite"'
run 3 solve --root 'z - a' --input a=2 --z0 1 --deadline 0 --json
has out '"status": "cancelled"'
has out '"z": 1.0'
run 3 solve --root 'z - a' --input 'a=[2, 3]' --batch a --z0 1 --loss z --deadline 0 --json
has out '"status": ["cancelled", "cancelled"]'
has out '"z": [1.0, 1.0]'

# The examples.
for example in layer.json sqrt.json kepler.toml cosine_batch.json; do
  run 0 solve "$source_dir/examples/$example" --check
done

# Text for people; files.
run 0 --version
has out 'dini '
run 0 --help
run 0 solve --help
has out '--fixed-point'
run 0 solvers
has out ' forward_iteration, newton, anderson, newton with full steps'
has out 'max_halvings'
has out 'For root, fixed_point, minimize, least_squares.'
has out 'bicgstab'
run 0 solve --root 'z - a' --input a=2 --z0 1 --quiet
check 'quiet is quiet' [ ! -s out ]
rm -rf folder
run 0 solve --root 'z**2 - a' --input a=2 --z0 1 --loss z --out folder --history history.csv --plot plot.svg --quiet
for file in folder/z.npy folder/loss.npy folder/gradient-a.npy folder/result.json history.csv plot.svg; do
  check "$file is there" [ -s $file ]
done
has history.csv 'step,residual_norm'
has plot.svg '</svg>'
run 0 solve --value 'a + 1' --input a=folder/z.npy --json
has out '"z": 2.414213562373095'
printf '{"kind": "value", "formula": "a * 2", "inputs": {"a": 4}}' >p.json
"$dini" solve - --json <p.json >out 2>err
check 'standard input is read' [ $? -eq 0 ]
has out '"z": 8.0'
run 0 solve p.json --input a=5 --json
has out '"z": 10.0'
finish
