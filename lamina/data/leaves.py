"""From whatever a user passes to NumPy arrays: nested structures, conversion, checks, casts."""

from collections.abc import Callable, Mapping
from typing import Any

import ml_dtypes
import numpy as np
import optree

_WIDEST = {"b": "bool", "u": "uint64", "i": "int64", "f": "float64"}
_NUMBERS = "".join(_WIDEST)
_LEAF = optree.treespec_leaf()
_NONE = optree.treespec_none()
_SCALARS = (bool, int, float, complex, str, bytes, np.generic, type(None))


def flatten(value: Any, name: str) -> tuple[list[Any], list[str], optree.PyTreeSpec]:
    """Leaves of a nested tuple, list or dict, the name of each (`x['age']`), and the structure.

    A list of numbers, however deeply nested, is one leaf; None is an absent structure.

    Example:
        >>> flatten({"a": [1, 2], "b": (np.zeros(3), None)}, "x")[1]
        ["x['a']", "x['b'][0]"]
    """
    if hasattr(value, "shape"):  # an array by itself, as `predict` in a loop gets
        return [value], [name], _LEAF
    if value is None:
        return [], [], _NONE
    accessors, leaves, structure = optree.tree_flatten_with_accessor(
        _plain(value), is_leaf=_is_number_list
    )
    return leaves, [accessor.codify(name) for accessor in accessors], structure


def map_leaves(function: Callable[[Any, str], Any], value: Any, name: str) -> Any:
    """Structure of `function(leaf, name of the leaf)`."""
    leaves, names, structure = flatten(value, name)
    return structure.unflatten([function(leaf, at) for leaf, at in zip(leaves, names, strict=True)])


def _plain(value: Any) -> Any:
    """`value` with other mappings (as tokenizers return) made dictionaries."""
    if isinstance(value, Mapping) and not isinstance(value, dict):
        return dict(value)
    return value


def _is_number_list(value: Any) -> bool:
    # The first element tells: reading all of a long list here would cost as much as converting it.
    # None stands for an output without targets, beside the arrays of others.
    if not isinstance(value, (list, tuple)):
        return False
    while isinstance(value, (list, tuple)):
        if not value:
            return True
        value = next((one for one in value if one is not None), None)
    return isinstance(value, _SCALARS)


def is_sparse(value: Any) -> bool:
    """Whether `value` is a SciPy sparse matrix or array."""
    return hasattr(value, "tocsr")


def is_array_like(value: Any) -> bool:
    """Whether `value` converts to an array: NumPy, pandas, a framework's tensor, SciPy sparse."""
    if isinstance(value, type):
        return False
    return is_sparse(value) or hasattr(value, "__array__") or hasattr(value, "__dlpack__")


def to_array(value: Any, name: str) -> Any:
    """`value` as a NumPy array of numbers (SciPy sparse: as a CSR matrix), its dtype unchanged.

    Raises:
        TypeError: it is no array, or holds text, objects or complex numbers.
        ValueError: it is a ragged list, or has no dimension of rows.
    """
    if is_sparse(value):
        return value.tocsr()
    if hasattr(value, "columns") and hasattr(value, "to_numpy"):
        array = _from_frame(value, name)
    else:
        array = _from_other(value, name)
        if hasattr(value, "to_numpy"):  # a column of a table, shaped as the table of it alone
            array = array.reshape(len(array), -1)
    if array.dtype.kind not in _NUMBERS and not _is_small_float(array.dtype):
        raise TypeError(
            f"{name} has dtype {array.dtype}, which is not a real number. {_advice(array.dtype)}"
        )
    if array.ndim == 0:
        raise ValueError(
            f"{name} is the single number {array.item()!r}; expected an array whose first "
            "dimension counts the rows."
        )
    return array


def _from_other(value: Any, name: str) -> np.ndarray:
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):  # PyTorch cannot hand this dtype to NumPy
            value = value.float()
    if isinstance(value, (list, tuple)):
        try:
            return np.asarray(value)
        except ValueError as error:
            raise ValueError(
                f"{name} is a list whose rows differ in length or shape, so it is not an array. "
                "Pad or cut the rows to one shape first."
            ) from error
    if hasattr(value, "__array__"):
        if hasattr(getattr(value, "dtype", None), "na_value"):
            return _from_nullable(value, name)
        return np.asarray(value)
    if hasattr(value, "numpy"):
        return np.asarray(value.numpy())
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    raise TypeError(
        f"{name} is a {type(value).__module__}.{type(value).__qualname__}, which is not an array. "
        "Pass NumPy arrays, tensors, pandas objects or lists of numbers."
    )


def _from_frame(frame: Any, name: str) -> np.ndarray:
    """A pandas-like frame as one array (rows, columns); a column of no numbers is named."""
    columns = [to_array(frame[column], f"{name}[{column!r}]") for column in frame.columns]
    if not columns:
        raise ValueError(f"{name} is a table without columns.")
    if len({column.dtype for column in columns}) > 1:
        # One dtype for the table: pandas would answer `object` for a mix of numbers and booleans.
        dtype = np.result_type(*columns)
        columns = [column.astype(dtype) for column in columns]
    return np.concatenate(columns, axis=1)


def _from_nullable(series: Any, name: str) -> np.ndarray:
    """A pandas column of a nullable dtype (Int64, boolean); missing values are refused."""
    kind = series.dtype.kind
    if kind not in _NUMBERS:
        return np.asarray(series)
    missing = np.flatnonzero(np.asarray(series.isna()))
    if len(missing):
        raise ValueError(
            f"{name} has no value in {len(missing)} rows, first in row {missing[0]}. Fill them in "
            "(`.fillna(...)`) or drop those rows."
        )
    return np.asarray(series.to_numpy(dtype=_WIDEST[kind]))


def _is_small_float(dtype: np.dtype) -> bool:
    """Whether it is a floating dtype that NumPy itself does not know, as bfloat16."""
    return dtype.type.__module__ == "ml_dtypes" and "float" in dtype.name


def _advice(dtype: np.dtype) -> str:
    if dtype.kind in "USTO":
        return (
            "Make numbers of it first: `.astype('float32')` if it holds numbers, else a "
            "preprocessing layer such as StringLookup or TextVectorization."
        )
    if dtype.kind == "c":
        return "Pass its real and imaginary parts as two features."
    return "Convert it to numbers first."


def target_dtype(dtype: np.dtype, floatx: str) -> np.dtype:
    """The dtype a batch is given in: `floatx` for every floating dtype, any other unchanged."""
    if dtype.kind == "f" or _is_small_float(dtype):
        return np.dtype(ml_dtypes.bfloat16 if floatx == "bfloat16" else floatx)
    return dtype


def cast(array: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """`array` in `dtype`, refused by name where a finite number would become infinite."""
    if array.dtype == dtype:
        return array
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype)
    except FloatingPointError as error:
        with np.errstate(over="ignore"):
            lost = np.isfinite(array) & ~np.isfinite(array.astype(dtype))
        raise ValueError(
            f"{name} holds {array[lost][0]!s}, which does not fit {dtype.name} (row "
            f"{int(np.argwhere(lost)[0][0])} of the batch). Scale the data first."
        ) from error
