#!/usr/bin/env bash
# Bounds, constraints and what a result says of them.
source "$(dirname "$0")/lib.bash"

# Bounds: numbers, null, formulas; for minima, fits and roots. ½(z - a)² above 0 from a = -1: μ = 1.
run 0 solve --minimize '0.5*(z - a)**2' --input a=-1 --z0 1 --lower 0 --loss 'z + dual_lower**2' --check --json
has out '"z": 0.0, "objective": 0.5, "duals": {"lower": 1.0}, "active": 1, "weakly_active": 0, "dependent": 0, "loss": 1.0'
near gradient.a -2
has out '"exact": true'
run 0 solve --minimize 'sum((z - a)**2)' --input 'a=[3, 4]' --z0 '[0, 0]' --upper '[null, 1]' --loss 'sum(z)' --json
near z '[3, 1]'
near duals.upper '[0, 6]'
near gradient.a '[1, 0]'
run 0 solve --minimize 'sum((z - a)**2)' --input 'a=[3, 4]' --input u=2 --z0 '[0, 0]' --upper 'u*ones(2)' --loss 'objective' --hessian u --check --json
near gradient.a '[2, 4]'
near gradient.u -6
near hessian.u '[[4]]'
run 0 solve --least-squares 'A @ z - y' --input 'A=[[1, 0], [1, 1], [0, 1]]' --input 'y=[2, 1, -1]' --z0 '[1, 1]' --lower 0 --loss 'sum(z)' --jacobian y --check --json
near z '[1.5, 0]'
near objective 0.75
near duals.lower '[0, 1.5]'
near jacobian.y '[[0.5, 0.5, 0], [0, 0, 0]]'
run 0 solve --root 'z - a' --input 'a=[1, -2]' --z0 '[0.5, 0.5]' --lower 0 --upper 9 --loss 'sum(z*a) + dual_lower[1]**2' --check --json
near z '[1, 0]'
near duals '{"lower": [0, 2], "upper": [0, 0]}'
hasnt out 'objective'
near gradient.a '[2, -4]'
run 0 solve --minimize '(z - a)**2' --input a=-1 --z0 1 --lower 0 --dtype float32 --loss 'z + dual_lower' --check --json
run 0 solve --minimize '(z - a)**2' --input a=-1 --z0 1 --lower 0 --tolerance 1e-3 --loss 'z + dual_lower' --check --json

# Constraints: equations and inequalities, as comparisons and without. On z₁ + z₂ = b and z₁ ≥ 0.2 from (1, 2): (0.2, b - 0.2).
for constraint in 'sum(z) == b' 'sum(z) - b' 'sum(z - b/2)'; do
  run 0 solve --minimize 'sum((z - a)**2)' --input 'a=[1, 2]' --input b=1 --z0 '[0, 0]' --equality "total=$constraint" \
    --inequality 'cap=z[0] >= 0.2' --loss 'z[0]*dual_total + objective' --hessian b --jacobian a,b --check --json
  near z '[0.2, 0.8]'
  near duals.cap 0.8
  near active 1
  near jacobian '{"a": [[0, 0], [0, 0]], "b": [0, 1]}'
  near hessian.b '[[2]]'
done
for constraint in '0.2 <= z[0]' '0.2 - z[0]' '0.2 - z[:1]' 'stack([0.2, 0.1]) <= z'; do
  run 0 solve --minimize 'sum((z - a)**2)' --input 'a=[-1, 2]' --z0 '[0, 0]' --inequality "cap=$constraint" --loss 'sum(z)' --json
  near z '[0.2, 2]'
done
run 0 solve --least-squares 'z - a' --input 'a=[1, 2]' --z0 '[1, 0]' --equality 'circle=sum(z**2) == 1' --loss 'z[0]' --check --json
near z '[0.4472135954999579, 0.8944271909999159]'

# The text has a line for each row.
run 0 solve --minimize 'sum((z - a)**2)' --input 'a=[1, 2]' --z0 '[0, 0]' --inequality 'cap=z[0] >= 0.2' --inequality 'both=sum(z) <= 2' --lower '[null, 1]'
has out 'active          1'
has out 'rows            dual                    slack'
has out '  lower[1]      0.0  '
has out '  both          '
hasnt out 'lower[0]'
run 0 solve --minimize 'sum((z - 1)**2)' --z0 'zeros((5, 6))' --inequality 'cap=z <= linspace(0, 3, 6)'
has out '  cap[4, 0]     '
has out 'and 20 more'

# Ties: the derivative has two sides, and differences straddle them.
tie="--minimize 0.5*(z-y)**2 --input y=0 --input l=0 --z0 1 --lower l --loss z --json"
run 0 solve $tie
has out '"weakly_active": 1'
near gradient '{"y": 0.5, "l": 0.5}'
has out '"exact": true, "message": "1 active constraint with a multiplier of 0: the derivative is by `ties`: average"'
run 0 solve $tie --ties active
near gradient '{"y": 0, "l": 1}'
run 0 solve $tie --ties inactive
near gradient '{"y": 1, "l": 0}'
run 3 solve $tie --ties raise
has out '"adjoint": {"status": "singular"'
hasnt out '"gradient"'
run 3 solve $tie --check
has out '"check": {"refused": "'
has out '"gradient"'
has err 'dini: --check: refused'
has err 'differences straddle the kink'
run 3 solve --minimize 'sum(z**2)' --z0 '[1, 1]' --input b=1 --equality 'a=sum(z) == b' --equality 'c=2*sum(z) == 2*b' --loss 'z[0]' --check --json
has out '"dependent": 1'
has out '"exact": false, "message": "1 active constraint that depend'
has err 'refused'

# No solution: status 3.
run 3 solve --minimize 'sum(z**2)' --z0 '[1, 1]' --lower '[null, 1]' --upper '[0, 0]' --loss 'sum(z)' --json
has out '"status": "infeasible"'
has out 'entry 1 of `lower` is 1.0, of `upper` 0.0'
hasnt out '"gradient"'
run 3 solve --minimize 'sum(z)' --z0 '[1, 1]' --inequality 'a=sum(z**2) <= 1' --inequality 'b=sum(z) >= 3' --json
has out '"status": "infeasible"'
# The violation is least at z = (t, t) with t³ = 3/4, where 4ta = 2b: a/b = 1/(2t).
has out '"certificate": {"a": 0.55032'
run 3 solve --minimize '-sum(z)' --z0 '[1, 2]' --equality 'a=z[0] == z[1]' --json
has out '"status": "unbounded"'
near ray '[1, 1]'
run 3 solve --minimize '-sum(z)' --z0 '[1, 2]' --equality 'a=z[0] == z[1]' --input b=1 --loss 'b*z[0]' --max-steps 3 --gradient-anyway --json
has out '"gradient_anyway": true'

# A start: from a result with multipliers the solve is a step of an active-set method.
problem="--minimize sum((z-a)**2) --input a=[1,2] --input b=1 --equality total=sum(z)==b --inequality cap=z[0]>=0.2"
run 0 solve $problem --z0 '[0, 0]' --out first --quiet
check 'the multipliers have their files' [ -s first/dual-total.npy -a -s first/dual-cap.npy ]
run 0 solve $problem --start first/result.json --json
has out '"message": "start, 0 steps", "solver": "start", "steps": 0'
run 0 solve ${problem/b=1/b=3.5} --z0 '[0, 0]' --start first/result.json --loss 'z[0]' --check --json
has out '"solver": "start"'
near z '[1.25, 2.25]'
# Where it does not lead to a solution the solver goes on from z.
run 0 solve --minimize 'sum((z-a)**2)' --input 'a=[1, 2]' --equality 'total=sum(z**4)==1' --inequality 'cap=z[0]>=-9' --start first/result.json --json
has out '"status": "converged"'
# Lanes have their own; a result without multipliers is a z.
run 0 solve --minimize 'sum((z-a)**2)' --input 'a=[[1, 2], [3, -4]]' --batch a --z0 '[0, 0]' --equality 'total=sum(z)==1' --out lanes --quiet
run 0 solve --minimize 'sum((z-a)**2)' --input 'a=[[1, 2], [3, -5]]' --batch a --equality 'total=sum(z)==1' --start lanes/result.json --json
has out '"solver": "start"'
near z '[[0, 1], [4.5, -3.5]]'
run 0 solve --root 'z - b' --input 'b=[2, 3]' --start first/result.json --json
near z '[2, 3]'
printf '{"kind": "minimize", "formula": "sum((z - 1)**2)", "start": "result.json", "equalities": {"total": "sum(z) == 4"}, "inequalities": {"cap": "z[0] <= 5"}}' >first/next.json
run 0 solve first/next.json --json
near z '[2, 2]'
run 2 solve $problem --z0 '[0, 0, 0]' --start first/result.json
has err '`start`: z of'
run 2 solve --minimize 'sum(z**2)' --equality 'total=z == 1' --start first/result.json
has err 'the multipliers of `total` have shape (), the constraint has (2,)'
run 2 solve --minimize 'sum(z**2)' --start lanes/result.json
has err 'is of lanes, and the problem has no `batch`'
run 2 solve --minimize 'sum(z**2)' --z0 '[[0, 0]]' --batch z0 --start first/result.json
has err 'is not of lanes'
run 2 solve --value 1 --start first/result.json
has err 'nothing is solved'
run 2 solve $problem --start ''
has err '`start`: this is no path'
run 4 solve $problem --start nowhere.json
has err 'nowhere.json'
printf '{"z": [1, "nan"]}' >nan.json
run 4 solve $problem --start nan.json
has err 'not made of finite numbers'
printf '{"z": [1' >half.json
run 4 solve $problem --start half.json
printf '{"loss": 1}' >none.json
run 4 solve $problem --start none.json
has err 'there is no `z`'

# What is wrong.
run 2 solve --minimize 'sum(z**2)' --z0 '[1, 1]' --lower '[1, 2, 3]'
has err '`lower`: its shape is (3,), which does not fit z of shape (2,)'
run 2 solve --minimize 'sum(z**2)' --z0 '[1, 1]' --lower 'z'
has err 'unknown name `z`'
run 2 solve --minimize 'z**2' --z0 1 --equality 'z'
has err '`z` is not NAME=FORMULA'
run 2 solve --minimize 'z**2' --z0 1 --inequality 'z <= 1'
has err '`z <= 1` is not NAME=FORMULA; write a name before it: row=z <= 1'
run 2 solve --minimize 'z**2' --z0 1 --equality 'z == 1'
has err '`z == 1` is not NAME=FORMULA; write a name before it: row=z == 1'
run 2 solve --minimize 'z**2' --z0 1 --inequality 'a=z <= 1' --inequality 'a=z >= 1'
has err 'given twice'
run 2 solve --minimize 'z**2' --z0 1 --inequality 'a=(z <= 1) & (z >= 0)'
has err 'the constraint `a`: it is made of truth values'
run 2 solve --minimize 'z**2' --z0 1 --inequality 'a=0 <= z <= 1'
has err 'comparisons cannot be chained'
run 2 solve --minimize 'sum(z**2)' --z0 '[1, 1]' --equality 'a=z == [1, 2, 3]'
has err 'equalities.a, column'
run 2 solve --minimize 'z**2' --z0 1 --lower 0 --solver newton
has err '`solver`: newton takes no constraints, and the problem has bounds; those that take them are `'
run 2 solve --minimize 'z**2' --z0 1 --equality 'a=z == 1' --solver projected_newton
has err 'projected_newton takes bounds, and the problem has constraints'
run 2 solve --minimize 'z**2' --z0 1 --loss 'dual_lower'
has err 'unknown name `dual_lower`'
run 2 solve --minimize 'z**2' --z0 1 --ties active
has err '`ties`: there are no bounds'
run 2 solve --minimize 'sum(z**2)' --z0 'ones(900)' --lower 0 --max-memory 60M
has err '`solver`: auto forms a matrix of 900 x 900'

# A name of the problem's own comes before one of the solution's.
run 0 solve --minimize '(z - objective)**2' --input objective=3 --z0 1 --lower 0 --loss 'objective*z' --json
near loss 9

# What each solver takes.
run 0 solvers
has out 'minimize with bounds            projected_newton'
has out 'minimize with constraints       interior_point'
has out 'root with bounds                projected_newton'
has out ', with bounds and constraints.'
finish
