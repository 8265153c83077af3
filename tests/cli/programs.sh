#!/usr/bin/env bash
# Quadratic and linear programs.
source "$(dirname "$0")/lib.bash"

# Hock and Schittkowski's problem 35: z = (12, 7, 4)/9, λ = 2/9.
cat >p.json <<'END'
{"kind": "quadratic_program", "inputs": {"W": [[4, 2, 2], [2, 4, 0], [2, 0, 2]], "q": [-8, -6, -4], "h": 3}, "let": {"P": "0.5*(W + W.T)"},
 "P": "P", "q": "q", "G": [[1, 1, 2]], "h": "h", "lower": 0, "loss": "objective + dual_G[0]*z[0]", "hessian": "h", "jacobian": ["h", "q"]}
END
run 0 solve p.json --json --check
has out '"solver": "interior_point_qp"'
near z '[1.3333333333333333, 0.7777777777777778, 0.4444444444444444]'
near objective -8.88888888888889
near duals.G '[0.2222222222222222]'
near active 1
near gradient.h -0.5925925925925926
near hessian.h '[[0.37037037037037035]]'
has out '"method": "direct", "exact": true'
run 0 solve p.json --dtype float32 --check --quiet
run 0 solve p.json
has out '  lower[2]      0.0                     0.44444444'
has out '  G[0]          0.22222222'
run 0 solve p.json --quiet --out folder
run 0 solve p.json --start folder/result.json --json
has out '"status": "converged"'
run 0 solve p.json --lower '[null, 1, null]' --json
near duals.lower '[0, 0.8, 0]'

# Equations, and rows with two sides: ½‖z‖² on z₁ + z₂ = 3 with -∞ ≤ z₁ - z₂ ≤ -1.
run_program() {
  printf '{"kind": "%s", %s}' "$2" "$3" >q.json
  run "$1" solve q.json --json "${@:4}"
}
run_program 0 quadratic_program '"P": {"formula": "eye(2)"}, "q": [0, 0], "A": [[1, 1]], "b": [3], "G": [[1, -1]], "h": -1, "h_lower": [null]'
near z '[1, 2]'
near duals '{"A": [-1.5], "G": [0.5], "G_lower": [0]}'
run_program 0 quadratic_program '"P": [[2, 1], [1, 2]], "q": [-4, -4], "z0": [1, 2]'
near z '[1.3333333333333333, 1.3333333333333333]'
run_program 0 quadratic_program '"inputs": {"q": {"value": [], "dtype": "float64"}}, "q": "q"'
near z '[]'
# A linear program's vertex stays where it is when q changes a little; lanes.
lp='"inputs": {"c": [[-1, -2], [-1, -1.5], [-1, 1]], "h": [4, 6]}, "batch": ["c"], "q": "c", "G": [[1, 1], [1, 3]], "h": "h", "lower": 0,
 "loss": "sum(z) + dual_G[1]**2", "jacobian": ["h", "c"]'
run_program 0 linear_program "$lp" --check
near z '[[3, 1], [3, 1], [4, 0]]'
near jacobian.c '[[[0, 0], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]'
has out '"lanes_summed": 3'

# No solution: status 3, with the proof.
run_program 3 linear_program '"q": [1, 1], "A": [[1, 1], [1, 1]], "b": [1, 2]'
has out '"status": "infeasible"'
near certificate.A '[1, -1]'
run_program 3 linear_program '"q": [-1, 0], "G": [[0, 1]], "h": 1'
has out '"status": "unbounded"'
has out '"ray": ['
run_program 3 quadratic_program '"P": [[1, 0], [0, -1]], "q": [0, 0], "lower": -1, "upper": 1'
has out '"status": "not_a_minimum", "message": "the point found is no minimum: `P` is not positive semidefinite"'
run_program 3 linear_program '"inputs": {"h": [1, -1]}, "batch": ["h"], "q": [1], "G": [[1]], "h": "h*ones(1)", "lower": 0'
has out '"status": ["converged", "infeasible"]'
near certificate '{"lower": [["nan"], [1]], "G": [["nan"], [1]]}'

# What is wrong.
run_program 2 quadratic_program '"q": [0, 0], "formula": "z"'
has err '`formula`: a program has none'
run_program 2 quadratic_program '"P": [[1]]'
has err '`q`: is missing'
run_program 2 linear_program '"P": [[1]], "q": [1]'
has err '`P`: a linear program has none'
run_program 2 linear_program '"q": [1], "A": [[1]]'
has err '`b`: is missing'
run_program 2 linear_program '"q": [1], "b": 1'
has err '`A`: is missing'
run_program 2 linear_program '"q": [1], "G": [[1]]'
has err '`h`: is missing'
run_program 2 linear_program '"q": [1], "h_lower": 1'
has err '`G`: is missing'
run_program 2 linear_program '"q": "z"'
has err 'q, column 1: unknown name `z`'
run_program 2 linear_program '"q": [1], "equalities": {"a": "z == 1"}'
has err '`equalities`: those of a program are `A` @ z = `b`'
run_program 2 linear_program '"q": [1], "h": [null], "G": [[null]]'
has err '`G`: there is a NaN, or a null'
run_program 2 quadratic_program '"P": [[1, 0]], "q": [0, 0]'
has err 'P has shape (1, 2); it has to be (2, 2)'
run_program 2 quadratic_program '"q": [0, 0], "upper": [1, 2, 3]'
has err 'upper has shape (3,)'
run_program 2 quadratic_program '"q": [0, 0]' --solver newton
has err 'newton is for root, fixed_point, minimize, least_squares, not for problems of kind `quadratic_program`'
run_program 2 quadratic_program '"q": [0, 0], "inputs": {"a": 1}, "loss": "z[0]", "adjoint": "gmres"'
has err '`adjoint`: of problems of kind `quadratic_program` it is `direct`'
run 2 solve --minimize 'z**2' --z0 1 --input q=1 --loss dual_A
has err 'unknown name `dual_A`'
run 0 solvers
has out 'quadratic_program               interior_point_qp, augmented_lagrangian'
finish
