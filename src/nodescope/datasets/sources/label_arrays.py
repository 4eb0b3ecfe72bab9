"""Which class each sample of the user's own arrays has, whatever form its labels come in.

Taken: one label per sample, as a vector or as a column [sample, 1], of whole numbers (of any type, floats and
true/false among them), text or bytes in UTF-8; and one-hot rows [sample, class]. What could mean several things is
refused.
"""

import unicodedata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.datasets.sources.labels import Refuse

#: Whole numbers beyond this are not all told apart in float64.
LARGEST_EXACT = 2**53


def class_indices(
    parts: dict[str, NDArray[Any]], samples: dict[str, int], refuse: Refuse
) -> tuple[list[NDArray[np.int64]], list[str], list[str]]:
    """Class indices of each part, the classes' names, and what was decided, a sentence each.

    Parameters
    ----------
    parts : dict of arrays
        By their names in the file; the training labels first.
    samples : dict of int
        How many samples each of them must tell of.
    refuse : callable
        Raises the error that it is given the words of.
    """
    decisions: list[str] = []
    one_hot = {key: _columns_if_one_hot(y) for key, y in parts.items()}
    columns = {key: n for key, n in one_hot.items() if n}
    if len(set(columns.values())) > 1:
        said = ", ".join(f"{key} has {n} columns" for key, n in columns.items())
        refuse(f"{said}, one for each class. Hint: give all of them a column for every class, in one order")
    values = {}
    for key, y in parts.items():
        _check_shape(key, y, samples[key], one_hot[key], refuse)
        if one_hot[key]:
            values[key] = y.argmax(axis=1)
            decisions.append(f"{key} is one-hot: the class of a sample is the number of its column that is 1.")
            continue
        if y.ndim == 2:
            decisions.append(f"{key} is a column of labels {y.shape}: taken as one label per sample.")
        values[key] = _plain(key, y.reshape(-1), decisions, refuse)
    return *_numbered(values, decisions, refuse), decisions


def _columns_if_one_hot(y: NDArray[Any]) -> int:
    """Number of columns of one-hot rows; 0 where they are none."""
    if y.ndim != 2 or y.shape[1] < 2 or y.dtype.kind not in "buif":
        return 0
    is_one = y == 1
    return y.shape[1] if (is_one | (y == 0)).all() and (is_one.sum(axis=1) == 1).all() else 0


def _check_shape(key: str, y: NDArray[Any], samples: int, one_hot: int, refuse: Refuse) -> None:
    of_samples = "x" + key.removeprefix("y")
    if y.ndim and len(y) != samples:
        hint = f"transpose {key}" if y.ndim == 2 and y.shape[1] == samples else "save one label for every sample"
        refuse(f"{of_samples} has {samples} samples, but {key} has {len(y)} labels. Hint: {hint}")
    if one_hot or y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
        return
    hint = "save one class index or name per sample [sample]"
    if y.ndim == 2 and y.dtype.kind in "buif":
        bad = int(np.flatnonzero(((y != 0) & (y != 1)).any(axis=1) | ((y == 1).sum(axis=1) != 1))[0])
        row = np.array2string(y[bad], threshold=8, edgeitems=3)
        refuse(
            f"{key} has the shape {y.shape} and is not one-hot: row {bad} is {row}. Hint: {hint}, or rows with a 1 in "
            "the column of the class and 0 elsewhere; multiple labels per sample are not supported"
        )
    refuse(f"{key} must be a list of class indices or names, not of shape {y.shape}. Hint: {hint}")


def _plain(key: str, y: NDArray[Any], decisions: list[str], refuse: Refuse) -> NDArray[Any]:
    """Labels as int64, bool or text."""
    hint = "save class indices (whole numbers) or class names (text)"
    match y.dtype.kind:
        case "b":
            return y
        case "i" | "u":
            if y.dtype.kind == "u" and y.max() > np.iinfo(np.int64).max:
                refuse(f"{key} holds {y.max()}, beyond what int64 can hold. Hint: number the classes from 0")
            return y.astype(np.int64)
        case "f":
            _check_whole(key, y, refuse)
            decisions.append(f"{key} is {_type(y)} with whole values only: taken as class indices.")
            return y.astype(np.int64)
        case "S":
            try:
                text = np.array([label.decode("utf-8") for label in y.tolist()], np.str_)
            except UnicodeDecodeError as error:
                refuse(f"{key} holds bytes that are not UTF-8 ({error}). Hint: save the class names as text")
            decisions.append(f"{key} holds bytes: taken as class names in UTF-8.")
            return text
        case "U":
            return y
        case _:
            refuse(f"{key} must hold class indices or names, not {_type(y)}. Hint: {hint}")


def _check_whole(key: str, y: NDArray[Any], refuse: Refuse) -> None:
    missing = np.flatnonzero(~np.isfinite(y))
    if len(missing):
        refuse(
            f"{key} holds {len(missing)} NaN or infinite value(s), the first at [{missing[0]}]. Hint: remove samples "
            "without a class"
        )
    uneven = np.flatnonzero((y != np.floor(y)) | (np.abs(y) > LARGEST_EXACT))
    if len(uneven):
        refuse(
            f"{key} must hold class indices or names, but is {_type(y)} and holds {y[uneven[0]]:g} at [{uneven[0]}]. "
            "Hint: number the classes; to use quantities (regression), put them into bins first"
        )


def _numbered(
    values: dict[str, NDArray[Any]], decisions: list[str], refuse: Refuse
) -> tuple[list[NDArray[np.int64]], list[str]]:
    """Class indices of each part, and the classes' names in their order."""
    texts = {key: y.dtype.kind == "U" for key, y in values.items()}
    if len(set(texts.values())) > 1:
        said = ", ".join(f"{key} holds {'text' if is_text else 'numbers'}" for key, is_text in texts.items())
        refuse(f"{said}; labels must be of one type. Hint: save all of them as class names, or all as class indices")
    kinds = {y.dtype.kind for y in values.values()}
    if kinds == {"b", "i"}:
        decisions.append("Labels are true/false in one array and numbers in another: true is taken as 1, false as 0.")
        values = {key: y.astype(np.int64) for key, y in values.items()}
    classes, together = np.unique(np.concatenate(list(values.values())), return_inverse=True)
    if kinds == {"U"}:
        normal = np.array([unicodedata.normalize("NFC", name) for name in classes.tolist()], np.str_)
        names, of_class = np.unique(normal, return_inverse=True)
        if len(names) < len(classes):
            decisions.append("Class names that look alike but are encoded in two ways (NFC and NFD) are taken as one.")
        classes, together = names, of_class[together]
    ends = np.cumsum([len(y) for y in values.values()])[:-1]
    return np.split(together.reshape(-1).astype(np.int64), ends), [str(c) for c in classes.tolist()]


def _type(y: NDArray[Any]) -> str:
    """The type without its byte order, which no one chooses."""
    return y.dtype.newbyteorder("=").name
