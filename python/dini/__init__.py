"""Implicit layers: solve an equation, differentiate its solution.

    >>> f = lambda W, x, z: dini.tanh(W @ z + x)
    >>> layer = lambda W, x: dini.fixed_point(f, dini.zeros(2), W, x).value
    >>> layer([[0.1, 0.2], [0.3, 0.1]], [1.0, -1.0])
    Array([ 0.72897702, -0.7003516 ])
"""
from __future__ import annotations

from . import _dini, _numpy, _trees
from ._dini import (
    Adjoint, Array, CancelledError, DType, DtypeError, Error, FileError, Formula, FormulaError, Function, GradientCheckError,
    HostReadError, LeakError, Loss, OptionError, OutOfRangeError, Problem, ProblemError, ProblemResult, Program, Pullback, Pushforward,
    ShapeDtype, ShapeError, SolveError, Solver, TraceError, abs, absolute, acos, acosh, add, all, allclose, amax, amin, any, arange,
    arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, argmax, argmin, argsort, array, array_equal, asarray, asin, asinh,
    astype, atan, atan2, atanh, atleast_1d, atleast_2d, atleast_3d, average, betaln, bitwise_and, bitwise_not, bitwise_or, bitwise_xor,
    block, block_diag, bool, broadcast_arrays, broadcast_to, cauchy, cbrt, ceil, cholesky, clip, column_stack, concatenate, cond,
    convolve, copysign, cos, cosh, count_nonzero, cov, covariance, cross, cumprod, cumsum, det, diag, diagonal, diff, digamma, divide,
    dot, einsum, equal, erf, erfc, erfinv, exp, exp2, expand_dims, expm1, eye, fixed_point, flip, float32, float64, floor, floor_divide,
    fori_loop, formula, from_dlpack, full, full_like, gammaln, greater, greater_equal, heaviside, hstack, huber, hypot, i0e, i1e,
    identity, implicit_function, inner, int32, int64, interp, inv, invert, isclose, isfinite, isinf, isnan, kron, least_squares, less,
    less_equal, linalg, linspace, log, log10, log1p, log2, log_softmax, logaddexp, logical_and, logical_not, logical_or, logical_xor,
    logit, logsumexp, matmul, max, maximum, mean, median, meshgrid, min, minimize, minimum, mod, moveaxis, multiply, nan_to_num, nanmax,
    nanmean, nanmin, nansum, negative, norm, not_equal, num_threads, one_hot, ones, ones_like, outer, pad, polygamma, polyval, positive,
    pow, power, prod, project_affine, project_ball, project_box, project_box_section, project_halfspace, project_polyhedron,
    project_simplex, quadratic_program, quantile, random, ravel, reciprocal, register_tree, relu, remainder, repeat, reshape, rint,
    roll, root, round, rsqrt, scan, searchsorted, set_num_threads, sigmoid, sign, sin, sinh, slogdet, soft_l1, softmax, softplus, solve,
    sort, special, split, sqrt, square, squeeze, stack, standard_errors, std, stop_gradient, subtract, sum, swapaxes, switch, take,
    take_along_axis, tan, tanh, tensordot, tile, top_k, trace, transpose, trapezoid, tree_leaves, tree_map, tree_structure, tri, tril,
    tril_indices, triu, triu_indices, true_divide, trunc, tukey, unravel_index, var, vdot, vstack, where, while_loop, xlog1py, xlogy,
    zeros, zeros_like,
)
from ._methods import adjoints as _adjoints
from ._methods import solvers as _solvers
from ._solution import Bracket, Duals, Optimum, Solution
from ._transforms import (
    check_grads, checkpoint, custom_jvp, custom_vjp, eval_shape, fixed_point_layer, grad, hessian, hvp, jacfwd, jacobian, jacrev, jit,
    jvp, linear_transpose, linearize, make_program, value_and_grad, vjp, vmap,
)

__version__ = "0.1.0"
pi, e, inf, nan, newaxis = 3.141592653589793, 2.718281828459045, float("inf"), float("nan"), None

# Solvers and adjoints, from the library's tables (each has its options in its doc string).
ForwardIteration = _solvers["ForwardIteration"]
Newton = _solvers["Newton"]
Anderson = _solvers["Anderson"]
TrustRegionNewton = _solvers["TrustRegionNewton"]
TrustRegionCG = _solvers["TrustRegionCG"]
BFGS = _solvers["BFGS"]
LBFGS = _solvers["LBFGS"]
NonlinearCG = _solvers["NonlinearCG"]
GradientDescent = _solvers["GradientDescent"]
NelderMead = _solvers["NelderMead"]
HybridLeastSquares = _solvers["HybridLeastSquares"]
LevenbergMarquardt = _solvers["LevenbergMarquardt"]
GaussNewton = _solvers["GaussNewton"]
fwd_solver = _solvers["fwd_solver"]
newton_solver = _solvers["newton_solver"]
anderson_solver = _solvers["anderson_solver"]
ProjectedNewton = _solvers["ProjectedNewton"]
ColemanLi = _solvers["ColemanLi"]
LBFGSB = _solvers["LBFGSB"]
InteriorPoint = _solvers["InteriorPoint"]
AugmentedLagrangian = _solvers["AugmentedLagrangian"]
SQP = _solvers["SQP"]
InteriorPointQP = _solvers["InteriorPointQP"]
NewtonErrorNorm = _solvers["NewtonErrorNorm"]
Chord = _solvers["Chord"]
Dogleg = _solvers["Dogleg"]
LevenbergMarquardtRoot = _solvers["LevenbergMarquardtRoot"]
PseudoTransient = _solvers["PseudoTransient"]
Broyden = _solvers["Broyden"]
LimitedMemoryBroyden = _solvers["LimitedMemoryBroyden"]
NewtonKrylov = _solvers["NewtonKrylov"]
DFSane = _solvers["DFSane"]
Chandrupatla = _solvers["Chandrupatla"]
ITP = _solvers["ITP"]
Bisection = _solvers["Bisection"]
Aitken = _solvers["Aitken"]
Direct = _adjoints["Direct"]
LU = _adjoints["LU"]
Cholesky = _adjoints["Cholesky"]
LDLT = _adjoints["LDLT"]
QR = _adjoints["QR"]
Diagonal = _adjoints["Diagonal"]
GMRES = _adjoints["GMRES"]
MINRES = _adjoints["MINRES"]
CG = _adjoints["CG"]
BiCGStab = _adjoints["BiCGStab"]
SameSolver = _adjoints["SameSolver"]
Neumann = _adjoints["Neumann"]
OneStep = _adjoints["OneStep"]
