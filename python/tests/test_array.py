"""Arrays: what they are made of, what NumPy has that they have, how memory is shared."""
import copy
import gc
import pickle

import numpy as np
import pytest

import dini


@pytest.mark.parametrize("value, dtype, shape", [
    (2.5, "float64", ()), (3, "int64", ()), (True, "bool", ()), ([1, 2], "int64", (2,)), ([[1.0, 2], [3, 4]], "float64", (2, 2)),
    ([], "float64", (0,)), (np.float32(2), "float32", ()), (np.arange(6, dtype=np.int32).reshape(2, 3), "int32", (2, 3)),
    (np.zeros((0, 3)), "float64", (0, 3)), (np.array(True), "bool", ()), ([dini.array(1.0), 2.0], "float64", (2,)),
    ([np.zeros(3), np.ones(3)], "float64", (2, 3)),
])
def test_made_of(value, dtype, shape):
    a = dini.array(value)
    assert (a.dtype, a.shape, a.ndim) == (dtype, shape, len(shape))
    assert np.array_equal(a.numpy(), np.asarray(value if not isinstance(value, list) else [np.asarray(v) for v in value]))
    assert not a.weak


@pytest.mark.parametrize("make", [
    lambda x: x.T, lambda x: x[::2, ::-1], lambda x: x[:, 1], lambda x: np.asfortranarray(x), lambda x: x.astype(">f8"),
    lambda x: np.broadcast_to(x[0], (3, 3)), lambda x: x[1:],
    lambda x: memoryview(np.ascontiguousarray(x)),
])
def test_any_memory(make):
    x = make(np.arange(9.0).reshape(3, 3))
    assert np.array_equal(dini.array(x), np.asarray(x))


def test_misaligned_memory():
    raw = np.zeros(8 * 4 + 1, np.uint8)
    x = raw[1:].view(np.float64)
    x[:] = [1, 2, 3, 4]
    assert np.array_equal(dini.array(x), x)
    with pytest.raises(dini.OptionError, match="aligned"):
        dini.asarray(x, copy=False)


def test_copies_and_shares():
    x = np.arange(3.0)
    copied, shared = dini.array(x), dini.asarray(x, copy=False)
    x[0] = 7
    assert copied.tolist() == [0, 1, 2] and shared.tolist() == [7, 1, 2]
    assert dini.asarray(copied) is not None and dini.from_dlpack(x).tolist() == [7, 1, 2]
    shared_where_it_can, reversed_copy, told = dini.asarray(x), dini.asarray(x[::-1]), dini.asarray(x, copy=True)
    x[1] = 5
    assert shared_where_it_can.tolist() == [7, 5, 2] and reversed_copy.tolist() == [2, 1, 7] and told.tolist() == [7, 1, 2]
    x[1] = 1
    for given, more in ((["1.0"], {}), ([1.0, 2.0], {}), (2.0, {}), (np.ones(2, "f4"), {"dtype": "float64"}), (dini.ones(2, "float32"), {"dtype": "float64"})):
        with pytest.raises(ValueError, match="copy=False"):
            dini.asarray(given, copy=False, **more)
    assert dini.asarray(np.ones(2, "f4"), dtype="float64").dtype == "float64" and dini.asarray([1, 2]).tolist() == [1, 2]
    n = copied.numpy()
    assert not n.flags.writeable and n.__array_interface__["data"] == np.asarray(copied).__array_interface__["data"]
    # What it is computed from is never written.
    assert (shared * 2).tolist() == [14, 2, 4] and dini.jit(lambda a: a + 1)(shared).tolist() == [8, 2, 3]
    assert x.tolist() == [7, 1, 2]


def test_adopted_memory_lives_as_long_as_its_array():
    class Owner(np.ndarray):
        alive = 0

        def __del__(self):
            Owner.alive -= 1

    x = np.ones(1000).view(Owner)
    Owner.alive += 1
    a = dini.asarray(x, copy=False)
    del x
    gc.collect()
    b = a.reshape(10, 100)
    del a
    assert Owner.alive == 1 and float(b.sum()) == 1000
    del b
    gc.collect()
    assert Owner.alive == 0


@pytest.mark.parametrize("value, error, text", [
    (np.zeros(3, complex), dini.DtypeError, "complex128"), (np.zeros(3, np.uint8), dini.DtypeError, "uint8"),
    ("text", dini.DtypeError, "'text'"), ([[1, 2], [3]], dini.ShapeError, "one shape"), (object(), dini.DtypeError, "object"),
    (2**70, OverflowError, "too large|too big|int"), ({}, dini.DtypeError, "dict"),
])
def test_refused(value, error, text):
    with pytest.raises(error, match=text):
        dini.array(value)


def test_dtypes():
    for name in ("bool", "int32", "int64", "float32", "float64"):
        d = getattr(dini, name)
        assert d == name == d.name and d == np.dtype(name) and d == getattr(np, name) and d in {d}
        assert dini.zeros(2, dtype=d).dtype is not None and dini.zeros(2, name).dtype == np.dtype(name)
        assert pickle.loads(pickle.dumps(d)) == d
    assert np.zeros(2, dini.float32).dtype == np.float32
    assert dini.array(np.arange(3, dtype=np.uint8), dtype="int32").tolist() == [0, 1, 2]
    with pytest.raises(dini.DtypeError, match="float16"):
        dini.zeros(2, np.float16)


def test_weak_and_strong():
    x = dini.ones(2, "float32")
    assert (2.0 * x).dtype == "float32" and (x + 1).dtype == "float32"  # Python's numbers take the array's dtype
    assert (np.float64(2) * x).dtype == "float64" and (np.float32(2) * x).dtype == "float32"  # NumPy's do not
    assert (np.ones(2) * x).dtype == "float64" and isinstance(np.ones(2) * x, dini.Array)


OPERATORS = ["a + b", "a - b", "a * b", "a / b", "a // b", "a % b", "a ** b", "a @ b", "a < b", "a <= b", "a > b", "a >= b", "a == b",
             "a != b", "-a", "+a", "abs(a)"]


@pytest.mark.parametrize("text", OPERATORS)
def test_operators(text):
    a, b = np.array([[1.5, -2.0], [3.0, 0.5]]), np.array([[2.0, 3.0], [1.0, 2.0]])
    x, y = dini.array(a), dini.array(b)
    want = eval(text)
    for left, right in ((x, y), (x, b), (a, y)):
        got = eval(text, {}, {"a": left, "b": right})
        if left is a and text in ("-a", "+a", "abs(a)"):
            continue
        assert isinstance(got, dini.Array) and np.allclose(got, want, equal_nan=True)


@pytest.mark.parametrize("text", ["a & b", "a | b", "a ^ b", "~a"])
def test_bits(text):
    for a, b in ((np.array([True, False]), np.array([True, True])), (np.array([5, 6]), np.array([3, 2]))):
        assert np.array_equal(eval(text, {}, {"a": dini.array(a), "b": dini.array(b)}), eval(text))


INDICES = [None, 0, -1, slice(None), slice(1, None), slice(None, None, -1), (0, 1), (slice(None), 2), (..., 0), (None, 1), (1, None, slice(0, 2)),
           [0, 2], np.array([2, 0]), (np.array([0, 1]), np.array([1, 2])), np.array([True, False, True]), (slice(1, 3), [0, 1]),
           np.int64(1), (np.arange(12).reshape(3, 4) % 2 == 0)]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing(index):
    x = np.arange(12.0).reshape(3, 4)
    a = dini.array(x)
    assert np.array_equal(a[index], x[index])
    y = x.copy()
    y[index] = 7
    assert np.array_equal(a.at[index].set(7), y)
    y = x.copy()
    y[index] += 2
    assert np.array_equal(a.at[index].add(2.0), y)


def test_index_errors():
    a = dini.zeros(3)
    for error in (dini.ShapeError, IndexError):
        with pytest.raises(error, match="out of range"):
            a[5]
    with pytest.raises(dini.DtypeError, match="whole numbers"):
        a[1.5]
    with pytest.raises(TypeError, match="at\\[i\\].set"):
        a[0] = 1.0
    with pytest.raises(TypeError, match="without axes"):
        len(dini.array(1.0))


def test_methods():
    x = np.arange(6.0).reshape(2, 3)
    a = dini.array(x)
    for text in ("a.sum()", "a.sum(axis=0)", "a.mean(1, keepdims=True)", "a.max()", "a.min(0)", "a.argmax()", "a.std(ddof=1)", "a.T",
                 "a.reshape(3, 2)", "a.reshape((3, -1))", "a.ravel()", "a.flatten()", "a.transpose(1, 0)", "a.cumsum(0)", "a.clip(1, 3)",
                 "a.dot(a.T)", "a.squeeze()", "a.swapaxes(0, 1)", "a.astype('int32')", "a.round(1)", "a.any()", "a.all()",
                 "a.prod()", "a.take([0, 2])", "a.repeat(2)", "a.diagonal()", "a.trace()", "a.size", "a.nbytes", "len(a)"):
        assert np.allclose(eval(text, {}, {"a": a}), eval(text, {}, {"a": x})), text
    assert a.tolist() == x.tolist() and a[0, 1].item() == 1.0 and list(map(float, a[0])) == [0, 1, 2]
    assert a.mT.shape == (3, 2) and f"{a[1, 1]:.2f}" == "4.00"


def test_printing():
    x = np.array([[0.5, -1.25], [3, 4]])
    assert repr(dini.array(x)) == repr(x).replace("array(", "Array(")
    for x in (np.zeros((2, 0)), np.arange(5), np.array([True, False]), np.arange(2000.0)):
        want = repr(x).replace("array(", "Array(").replace(", dtype=bool", "").replace(", shape=(2000,)", "")
        got = repr(dini.array(x)).replace(", dtype=bool", "").replace(", dtype=int64", "")
        assert "".join(got.split()) == "".join(want.replace(", dtype=float64", "").split())
    assert str(dini.array([1.5, 2])) == "[1.5 2. ]" and repr(dini.float32(2)) == "Array(2.0, dtype=float32)" and repr(dini.array(2.5)) == "Array(2.5)"


def test_protocols():
    a = dini.array(np.arange(6.0).reshape(2, 3))
    assert np.array_equal(np.from_dlpack(a), a.numpy()) and np.array_equal(memoryview(a), a.numpy())
    assert np.array_equal(pickle.loads(pickle.dumps(a)), a.numpy()) and copy.deepcopy(a).tolist() == a.tolist()
    assert a.__array_namespace__() is dini and a.__dlpack_device__() == (1, 0)
    with pytest.raises(TypeError):
        hash(a)
    assert memoryview(a).readonly and not np.frombuffer(a, np.float64).flags.writeable


BIG = 2**40
i4, i8, f4, f8 = np.ones(2, "int32"), np.ones(2, "int64"), np.ones(2, "float32"), np.ones(2)


@pytest.mark.parametrize("call", [
    "x + n", "n - x", "x * n", "x ** n", "x // n", "n % x", "x & n", "x < n", "x <= n", "x > n", "n >= x", "x == n", "x != n", "F.add(x, n)", "F.maximum(x, n)",
    "F.less(x, n)", "F.equal(x, n)", "F.not_equal(n, x)", "F.where(x > 0, x, n)", "F.full(2, n, dtype=x.dtype)", "F.full_like(x, n)", "F.searchsorted(x, n)", "F.isin(x, [n])",
    "F.clip(x, 0, n)", "F.clip(x, -n, 0)", "x.clip(-n, n)", "F.array(n, dtype=x.dtype)", "F.array([n], dtype=x.dtype)", "F.isclose(x, n)"])
def test_whole_numbers_of_any_size(call):
    """As NumPy: an OverflowError where an array's dtype does not hold one in arithmetic, and right answers where they are compared."""
    for x in (i4, i8, f4, f8):
        for n in (3, -3, BIG, 2**70, -BIG):
            if n > 2**63 and ("full" in call or "F.array" in call or "isin" in call or "searchsorted" in call or "isclose" in call and x.dtype.kind == "i"):
                continue  # NumPy has arrays of objects there
            if "where" in call and x is i4 and abs(n) > 3:
                continue  # NumPy wraps there
            if x.dtype.kind == "f" and "&" in call or n < 0 and "**" in call or n == 3 and call == "F.clip(x, -n, 0)" or abs(n) > 3 and "isin" in call:
                continue
            try:
                with np.errstate(all="ignore"):
                    want = eval(call, {}, {"x": x, "n": n, "F": np})
            except OverflowError:
                want = OverflowError
            if n < 0 and "clip" in call and x.dtype.kind == "i" and want is not OverflowError and abs(n) > 3:
                continue  # bounds that cross
            if want is OverflowError:
                with pytest.raises(OverflowError, match="out of bounds|too large|too big"):
                    eval(call, {}, {"x": dini.array(x), "n": n, "F": dini})
                continue
            got = eval(call, {}, {"x": dini.array(x), "n": n, "F": dini})
            assert np.array_equal(got, want), (call, x.dtype, n, got, want)


def test_whole_numbers_in_updates():
    for n in (BIG, 2**70):
        with pytest.raises(OverflowError, match="int32"):
            dini.array(i4).at[0].set(n)
    assert dini.array(i8).at[0].add(BIG).tolist() == [BIG + 1, 1] and dini.array(f8).at[0].set(2**70).tolist() == [2.0**70, 1]
    assert dini.jit(lambda x: x < BIG)(i4).tolist() == [True, True] and dini.grad(lambda a: a * 2**70)(1.0) == 2.0**70
    with pytest.raises(OverflowError, match="int32"):
        dini.jit(lambda x: x + BIG)(i4)


def test_truth_of_arrays():
    a = dini.array([[1.0, 2.0], [3.0, 4.0]])
    assert 2.0 in a and 5.0 not in a and bool(dini.array([1.0])) and not dini.array(0.0)
    with pytest.raises(ValueError, match=r"truth value of an array of shape \(2, 2\).*any\(\) or x.all\(\)"):
        bool(a)
    for convert in (float, int):
        with pytest.raises(ValueError, match=rf"^{convert.__name__}: an array of one element is wanted, the array has shape \(2, 2\)"):
            convert(a)
    with pytest.raises(dini.DtypeError, match="float64; got uint8$"):  # it is astype that was called
        a.astype("uint8")


def test_shapes_of_nothing():
    assert repr(dini.zeros((0, 3))) == "Array([], shape=(0, 3))" and repr(dini.zeros(0)) == "Array([])"
    assert repr(dini.zeros((2, 0), "int32")) == "Array([], shape=(2, 0), dtype=int32)"


@pytest.mark.parametrize("read", [memoryview, dini.from_dlpack, np.asarray, float, lambda v: dini.asarray(v, copy=False).numpy(), dini.huber])
def test_reading_what_is_traced(read):
    for transformed in (dini.grad, dini.jit):
        with pytest.raises(dini.TraceError):
            transformed(lambda v: read(v) and v)(1.0)


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
def test_orders(order):
    x = np.arange(24.0).reshape(2, 3, 4)
    for f in (lambda x: np.ravel(x, order=order), lambda x: x.ravel(order), lambda x: x.flatten(order)):
        assert np.array_equal(f(dini.array(x)), f(x))
    assert dini.ravel(x, order).tolist() == np.ravel(x, order).tolist()
    with pytest.raises(dini.OptionError, match="order"):
        dini.ravel(x, "D")


@pytest.mark.parametrize("text", ["divmod(a, 2.0)", "divmod(7.0, a)", "a.item(2)", "a.item(0, 1)", "a.item((1, 0))", "a.real", "a.imag", "a.conj()", "a[[]]",
                                  "a[:, []]"])
def test_more_of_numpys_methods(text):
    x = np.array([[1.26, -2.0], [3.0, 0.55]])
    want, got = eval(text, {}, {"a": x}), eval(text, {}, {"a": dini.array(x)})
    assert np.allclose(got, want) and np.shape(got) == np.shape(want) and type(got) is (dini.Array if isinstance(want, np.ndarray) else type(want))


def test_updates_by_functions():
    assert round(dini.array([1.26, 2.5])).tolist() == [1, 2] and round(dini.array([1.26, 2.5]), 1).tolist() == [1.3, 2.5]
    a = dini.array([1.0, 2.0, 3.0])
    assert a.at[1].apply(lambda v: v * 10).tolist() == [1, 20, 3] and a.at[np.array([0, 0])].subtract(1.0).tolist() == [-1, 2, 3]
    assert dini.grad(lambda x: dini.sum(x.at[0].apply(dini.exp)))(np.array([0.0, 1.0])).tolist() == [1, 1]


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_dlpack_with_other_frameworks(name):
    """In both directions: their memory is taken over as it is; they get a copy, since they may write."""
    framework = pytest.importorskip(name)
    ones = framework.ones if name == "torch" else framework.numpy.ones
    theirs = ones(5, dtype=framework.float32 if name == "torch" else "float32")
    ours = dini.from_dlpack(theirs)
    assert ours.dtype == "float32" and ours.tolist() == [1] * 5 and ours.numpy().ctypes.data == np.from_dlpack(theirs).ctypes.data
    for x in (np.arange(6.0, dtype="float32").reshape(2, 3), np.arange(3, dtype="int32"), np.array([True, False])):
        a = dini.array(x)
        there = (framework if name == "torch" else framework.numpy).from_dlpack(a)
        assert there.shape == x.shape and np.array_equal(np.asarray(there), x)
        if name == "torch":
            there.zero_()
        assert np.array_equal(a, x)
        again = dini.asarray(there)
        assert again.dtype == x.dtype and again.shape == x.shape
