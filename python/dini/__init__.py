"""Implicit layers: solve an equation, differentiate its solution.

    >>> f = lambda W, x, z: dini.tanh(W @ z + x)
    >>> layer = lambda W, x: dini.fixed_point(f, dini.zeros(2), W, x).value
    >>> layer([[0.1, 0.2], [0.3, 0.1]], [1.0, -1.0])
    Array([ 0.73299668, -0.69063261])
"""
from __future__ import annotations

from . import _dini, _numpy, _trees
from ._array_api import (
    __array_namespace_info__ as __array_namespace_info__, can_cast as can_cast, finfo as finfo, iinfo as iinfo, isdtype as isdtype,
    result_type as result_type,
)
from ._dini import (
    Adjoint as Adjoint, Array as Array, CancelledError as CancelledError, DType as DType, DtypeError as DtypeError, Error as Error,
    FileError as FileError, Formula as Formula, FormulaError as FormulaError, Function as Function,
    GradientCheckError as GradientCheckError, HostFunction as HostFunction, HostReadError as HostReadError, LeakError as LeakError,
    Loss as Loss, OptionError as OptionError, OutOfRangeError as OutOfRangeError, Problem as Problem, ProblemError as ProblemError,
    ProblemResult as ProblemResult, Program as Program, Pullback as Pullback, Pushforward as Pushforward, ShapeDtype as ShapeDtype,
    ShapeError as ShapeError, SolveError as SolveError, Solver as Solver, TraceError as TraceError, abs as abs, absolute as absolute,
    acos as acos, acosh as acosh, add as add, all as all, allclose as allclose, amax as amax, amin as amin, any as any, arange as arange,
    arccos as arccos, arccosh as arccosh, arcsin as arcsin, arcsinh as arcsinh, arctan as arctan, arctan2 as arctan2, arctanh as arctanh,
    argmax as argmax, argmin as argmin, argsort as argsort, array as array, array_equal as array_equal, asarray as asarray, asin as asin,
    asinh as asinh, astype as astype, atan as atan, atan2 as atan2, atanh as atanh, atleast_1d as atleast_1d, atleast_2d as atleast_2d,
    atleast_3d as atleast_3d, average as average, betaln as betaln, bitwise_and as bitwise_and, bitwise_invert as bitwise_invert,
    bitwise_left_shift as bitwise_left_shift, bitwise_not as bitwise_not, bitwise_or as bitwise_or,
    bitwise_right_shift as bitwise_right_shift, bitwise_xor as bitwise_xor, block as block, block_diag as block_diag, bool_ as bool_,
    broadcast_arrays as broadcast_arrays, broadcast_shapes as broadcast_shapes, broadcast_to as broadcast_to,
    cached_programs as cached_programs, cauchy as cauchy, cbrt as cbrt, ceil as ceil, cholesky as cholesky,
    clip as clip, column_stack as column_stack, concat as concat, concatenate as concatenate, cond as cond, conj as conj,
    conjugate as conjugate, convolve as convolve, copysign as copysign, cos as cos, cosh as cosh, count_nonzero as count_nonzero,
    cov as cov, covariance as covariance, cross as cross, cumprod as cumprod, cumsum as cumsum, cumulative_prod as cumulative_prod,
    cumulative_sum as cumulative_sum, det as det, diag as diag, diagonal as diagonal, diff as diff, digamma as digamma, divide as divide,
    dot as dot, einsum as einsum, empty as empty, empty_like as empty_like, equal as equal, erf as erf, erfc as erfc, erfinv as erfinv,
    exp as exp, exp2 as exp2, expand_dims as expand_dims, expm1 as expm1, eye as eye, fixed_point as fixed_point, flip as flip,
    float32 as float32, float64 as float64, floor as floor, floor_divide as floor_divide, fori_loop as fori_loop, formula as formula,
    from_dlpack as from_dlpack, full as full, full_like as full_like, gammaln as gammaln, greater as greater,
    greater_equal as greater_equal, heaviside as heaviside, hstack as hstack, huber as huber, hypot as hypot, i0e as i0e, i1e as i1e,
    identity as identity, imag as imag, implicit_function as implicit_function, inner as inner, int32 as int32, int64 as int64,
    interp as interp, inv as inv, invert as invert, isclose as isclose, isfinite as isfinite, isin as isin, isinf as isinf, isnan as isnan,
    kron as kron, least_squares as least_squares, less as less, less_equal as less_equal, linalg as linalg, linspace as linspace,
    log as log, log10 as log10, log1p as log1p, log2 as log2, log_softmax as log_softmax, logaddexp as logaddexp,
    logical_and as logical_and, logical_not as logical_not, logical_or as logical_or, logical_xor as logical_xor, logit as logit,
    logsumexp as logsumexp, matmul as matmul, matrix_transpose as matrix_transpose, max as max, maximum as maximum, mean as mean,
    median as median, meshgrid as meshgrid, min as min, minimize as minimize, minimum as minimum, mod as mod, moveaxis as moveaxis,
    multiply as multiply, nan_to_num as nan_to_num, nanmax as nanmax, nanmean as nanmean, nanmin as nanmin, nansum as nansum,
    negative as negative, nextafter as nextafter, nonzero as nonzero, norm as norm, not_equal as not_equal, num_threads as num_threads,
    one_hot as one_hot, ones as ones, ones_like as ones_like, outer as outer, pad as pad, permute_dims as permute_dims,
    polygamma as polygamma, polyval as polyval, positive as positive, pow as pow, power as power, prod as prod,
    project_affine as project_affine, project_ball as project_ball, project_box as project_box, project_box_section as project_box_section,
    project_halfspace as project_halfspace, project_polyhedron as project_polyhedron, project_simplex as project_simplex,
    quadratic_program as quadratic_program, quantile as quantile, random as random, ravel as ravel, real as real, reciprocal as reciprocal,
    register_tree as register_tree, relu as relu, remainder as remainder, repeat as repeat, reshape as reshape, rint as rint, roll as roll,
    root as root, round as round, rsqrt as rsqrt, scan as scan, searchsorted as searchsorted, set_num_threads as set_num_threads,
    sigmoid as sigmoid, sign as sign, signbit as signbit, sin as sin, sinh as sinh, slogdet as slogdet, soft_l1 as soft_l1,
    softmax as softmax, softplus as softplus, solve as solve, sort as sort, special as special, split as split, sqrt as sqrt,
    square as square, squeeze as squeeze, stack as stack, standard_errors as standard_errors, std as std, stop_gradient as stop_gradient,
    subtract as subtract, sum as sum, swapaxes as swapaxes, switch as switch, take as take, take_along_axis as take_along_axis, tan as tan,
    tanh as tanh, tensordot as tensordot, tile as tile, top_k as top_k, trace as trace, transpose as transpose, trapezoid as trapezoid,
    tree_leaves as tree_leaves, tree_map as tree_map, tree_structure as tree_structure, tri as tri, tril as tril,
    tril_indices as tril_indices, triu as triu, triu_indices as triu_indices, true_divide as true_divide, trunc as trunc, tukey as tukey,
    unique_all as unique_all, unique_counts as unique_counts, unique_inverse as unique_inverse, unique_values as unique_values,
    unravel_index as unravel_index, unstack as unstack, var as var, vdot as vdot, vecdot as vecdot, vstack as vstack, where as where,
    while_loop as while_loop, xlog1py as xlog1py, xlogy as xlogy, zeros as zeros, zeros_like as zeros_like,
)
from ._methods import adjoints as _adjoints
from ._methods import solvers as _solvers
from ._solution import Bracket as Bracket, Duals as Duals, Optimum as Optimum, Solution as Solution
from ._transforms import (
    check_grads as check_grads, checkpoint as checkpoint, clear_caches as clear_caches, custom_jvp as custom_jvp, custom_vjp as custom_vjp, eval_shape as eval_shape,
    fixed_point_layer as fixed_point_layer, grad as grad, hessian as hessian, host_function as host_function, hvp as hvp, jacfwd as jacfwd, jacobian as jacobian,
    jacrev as jacrev, jit as jit, jvp as jvp, linear_transpose as linear_transpose, linearize as linearize,
    make_program as make_program, value_and_grad as value_and_grad, vjp as vjp, vmap as vmap,
)

__version__ = "0.1.0"
__array_api_version__ = "2024.12"
bool = bool_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import jax as jax, scipy as scipy, torch as torch
else:

    def __getattr__(name):
        if name in ("jax", "scipy", "torch"):  # loaded when they are first used
            import importlib

            return importlib.import_module("dini." + name)
        raise AttributeError(f"module 'dini' has no attribute '{name}'")


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
