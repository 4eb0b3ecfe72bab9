"""Arrays of the user's own."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.config.schema import Npz
from nodescope.datasets.sources.labels import NPZ_ERRORS, Labels
from nodescope.errors import DatasetError


def read(source: Npz) -> tuple[Labels, NDArray[Any]]:
    """Labels and samples [sample, ...] of the file's arrays."""
    path = Path(source.path)
    if not path.is_file():
        raise DatasetError(f"Data set '{source.name}': there is no file {path}.")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except NPZ_ERRORS as error:
        hint = "objects cannot be loaded safely; save plain arrays" if "pickle" in str(error) else "write it again"
        raise DatasetError(f"Data set '{source.name}': {path} cannot be read: {error}. Hint: {hint}.") from error
    for key in ("x", "y"):
        if key not in arrays:
            raise DatasetError(
                f"Data set '{source.name}': {path} has no array '{key}'; it has: {', '.join(arrays) or 'none'}."
            )
    if ("x_test" in arrays) != ("y_test" in arrays):
        raise DatasetError(f"Data set '{source.name}': {path} needs both x_test and y_test, or neither.")
    parts = [("x", "y")] + ([("x_test", "y_test")] if "x_test" in arrays else [])
    for x_key, y_key in parts:
        _check_arrays(arrays[x_key], arrays[y_key], x_key, y_key, source)
        for key, first in ((x_key, "x"), (y_key, "y")):
            if arrays[key].dtype.kind != arrays[first].dtype.kind:
                raise DatasetError(
                    f"Data set '{source.name}': {first} and {key} in {path} must be of one type, "
                    f"not {arrays[first].dtype} and {arrays[key].dtype}."
                )
    if "x_test" in arrays and arrays["x_test"].shape[1:] != arrays["x"].shape[1:]:
        raise DatasetError(f"Data set '{source.name}': the samples of x and x_test in {path} differ in shape.")
    x = np.concatenate([arrays[x_key] for x_key, _ in parts])
    y = np.concatenate([arrays[y_key] for _, y_key in parts])
    classes, labels = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise DatasetError(f"Data set '{source.name}': y in {path} has one class only; at least 2 are needed.")
    x = x if x.dtype == np.uint8 else x.astype(np.float32)
    test = len(arrays["y_test"]) if "y_test" in arrays else 0
    return Labels(labels.astype(np.int64), [str(c) for c in classes], test), x


def _check_arrays(x: NDArray[Any], y: NDArray[Any], x_key: str, y_key: str, source: Npz) -> None:
    where = f"Data set '{source.name}': {source.path}:"
    if x.dtype.kind not in "buif":
        raise DatasetError(f"{where} {x_key} must hold numbers, not {x.dtype}.")
    if x.ndim < 2 or not x.size:
        raise DatasetError(f"{where} {x_key} must be [sample, ...] with at least one sample, not of shape {x.shape}.")
    if y.dtype.kind not in "buiU" or y.ndim != 1:
        raise DatasetError(
            f"{where} {y_key} must be a list of class indices or names, not {y.dtype} of shape {y.shape}."
        )
    if len(x) != len(y):
        raise DatasetError(f"{where} {x_key} has {len(x)} samples, but {y_key} has {len(y)} labels.")
    if not (np.isfinite(x) & (np.abs(x.astype(np.float64)) <= np.finfo(np.float32).max)).all():
        raise DatasetError(f"{where} {x_key} holds NaN or infinite values, or values beyond the range of float32.")
