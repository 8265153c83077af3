"""Examples in doc strings; the stubs' signatures and the table's are the same text."""
import doctest
import inspect
import pathlib
import re

import numpy as np
import pytest

import dini

SPACES = {"": dini, "linalg.": dini.linalg, "special.": dini.special, "random.": dini.random}
PUBLIC = {prefix + n: thing for prefix, space in SPACES.items() for n, thing in vars(space).items() if not n.startswith("_")}
NAMES = [n for n, thing in PUBLIC.items() if ">>>" in (thing.__doc__ or "") and not isinstance(thing, dini.Array)]
# What is called with functions, or changes the process: described in docs/python.md, with examples there.
ELSEWHERE = """array asarray from_dlpack einsum meshgrid broadcast_arrays broadcast_shapes quadratic_program implicit_function cond switch while_loop fori_loop scan stop_gradient tree_map tree_leaves tree_structure register_tree covariance
standard_errors project_affine project_ball project_box project_box_section project_halfspace project_polyhedron project_simplex cauchy huber
soft_l1 tukey num_threads set_num_threads cached_programs""".split()


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    doc = inspect.getdoc(PUBLIC[name]) or PUBLIC[name].__doc__
    test = doctest.DocTestParser().get_doctest(doc, {"dini": dini, "np": np}, name, None, 0)
    runner.run(test)
    assert runner.failures == 0 and runner.tries > 0


def test_every_function_of_arrays_has_an_example():
    without = {n for n, thing in PUBLIC.items() if hasattr(thing, "__nb_signature__") and ">>>" not in thing.__doc__}
    assert without == set(ELSEWHERE)


def test_scipy_examples():
    import dini.scipy

    assert doctest.testmod(dini.scipy, extraglobs={"dini": dini}).failed == 0


@pytest.mark.parametrize("name", ["wrap", "translate", "fixed_point"])
def test_jax_examples(name):
    pytest.importorskip("jax", reason="JAX is not installed: pip install jax")
    bridge = pytest.importorskip("dini.jax", reason="dini was built without jaxlib beside it", exc_type=ImportError)
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(getattr(bridge, name)), {"dini": dini, "np": np}, name, None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test)
    assert runner.failures == 0 and runner.tries > 0


def test_module_example():
    assert doctest.testmod(dini, extraglobs={"dini": dini}).failed == 0


def test_everything_says_what_it_is_for():
    for name, thing in vars(dini).items():
        if name.startswith("_") or not callable(thing) or isinstance(thing, dini.DType):
            continue
        assert (thing.__doc__ or "").strip(), name


def test_the_page_lists_every_function():
    """docs/python.md has each one's name, and every name that it has in the list is one."""
    page = (pathlib.Path(__file__).parents[2] / "docs" / "python.md").read_text()
    listed = set(re.findall(r"`([\w.]+)`", page[page.index("| of | functions |") : page.index("Of NumPy's own names")]))
    every = {n.split(".")[-1] for n, thing in PUBLIC.items() if "ArrayLike" in str(getattr(thing, "__nb_signature__", ""))} - {"switch", "quadratic_program"}
    assert every <= listed and listed - {"dini"} <= {n.split(".")[-1] for n in PUBLIC} | {n[:-1] for n in SPACES} | {f"dini.{n[:-1]}" for n in SPACES}, (every - listed, listed)
    besides = page[page.index("Of NumPy's own names") :].split("\n\n")[0]
    assert set(re.findall(r"`(?:np\.)?(\w+)`", besides)) == set(dini._numpy._ALIASES) | {n for n in dini._numpy._UFUNCS}


def test_options_are_in_the_doc_strings():
    """Of every solve, those that it takes: an option that there is not says which there are."""
    for name in ("root", "fixed_point", "minimize", "least_squares"):
        solve = getattr(dini, name)
        with pytest.raises(TypeError) as e:
            solve(lambda z: z, 1.0, no_such_option=1)
        options = str(e.value).split("there are ")[1].split(", ")
        assert len(options) > 13 and [o for o in options if o not in solve.__doc__] == []


def test_names_of_the_table_beside_jax():
    """What docs/from-jax.md says is in dini is there; where it says "the same", under JAX's name."""
    page = (pathlib.Path(__file__).parents[2] / "docs" / "from-jax.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in page.split("\n") if line.startswith("| `")]
    assert len(rows) > 25
    named = 0
    for theirs, _, ours in (r for r in rows if len(r) == 3):
        names = re.findall(r"dini\.([a-z_][\w.]*\w)", ours)
        if ours.startswith("the same"):
            names += re.findall(r"`(?:y, pull = )?(?:jax|jnp)\.([\w.]+\w)", theirs)
        for name in names:
            thing = dini
            for part in name.split("."):
                assert hasattr(thing, part), name
                thing = getattr(thing, part)
            named += 1
    assert named > 30
