"""Arrays of the user's own, in an archive of NumPy.

Read are ``x`` and ``y`` (or ``x_train`` and ``y_train``) and, where they are there, ``x_test`` and ``y_test``, and
``x_validation`` and ``y_validation`` (or ``_val``, ``_valid``). What forms they may have is told in
`nodescope.datasets.sources.sample_arrays` and `label_arrays`.
"""

from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nodescope.config.dataset import Npz
from nodescope.datasets.sources.label_arrays import class_indices
from nodescope.datasets.sources.labels import Labels, Refuse
from nodescope.datasets.sources.sample_arrays import as_networks_see, joined
from nodescope.messages.errors import DatasetError
from nodescope.storage.npz import NPZ_ERRORS, array_shapes

#: How the arrays of a part may end, in the order in which their samples are stored.
PARTS = {"train": ("", "_train"), "validation": ("_validation", "_val", "_valid"), "test": ("_test",)}

#: So many classes may have few samples each; of more, half as many as there are samples.
FEW_CLASSES = 10

_MAGIC_OF_ZIP = b"PK"
_MAGIC_OF_NPY = b"\x93NUMPY"


def read(source: Npz) -> tuple[Labels, NDArray[Any]]:
    """Labels and samples [sample, ...] of the file's arrays.

    Raises
    ------
    DatasetError
    """
    refuse = _refusal(source)
    arrays, decisions = _read_arrays(source)
    xs = {key: array for key, array in arrays.items() if key.startswith("x")}
    ys = {key: array for key, array in arrays.items() if key.startswith("y")}
    x, of_samples = joined(xs, source.channels, refuse)
    labels = _labels(ys, {key: len(array) for key, array in xs.items()}, (*decisions, *of_samples), refuse)
    return labels, x


def labels_and_shape(source: Npz) -> tuple[Labels, tuple[int, ...]] | None:
    """Labels, and the shape of a prepared sample from the header of ``x``; None where the file does not tell.

    Raises
    ------
    DatasetError
    """
    shape, shapes = sample_shape(source), array_shapes(source.path)
    if shape is None:
        return None
    ys, decisions = _read_arrays(source, kinds="y")
    samples = {key: of_array[0] for key, of_array in shapes.items() if key.startswith("x") and of_array}
    return _labels(ys, samples, tuple(decisions), _refusal(source)), shape


def _refusal(source: Npz) -> Refuse:
    def refuse(what: str) -> NoReturn:
        raise DatasetError(f"Data set '{source.name}': {source.path}: {what}.")

    return refuse


def _labels(ys: dict[str, NDArray[Any]], lengths: dict[str, int], decisions: tuple[str, ...], refuse: Refuse) -> Labels:
    """The labels of the parts; ``lengths`` are those of the samples' arrays."""
    samples = {"y" + key.removeprefix("x"): length for key, length in lengths.items()}
    labels, class_names, of_labels = class_indices(ys, samples, refuse)
    if len(class_names) < 2:
        refuse(
            f"{next(iter(ys))} has one class only ({class_names[0]!r}); at least 2 are required. Hint: check how it "
            "was written"
        )
    n = len(labels[0])
    if len(class_names) > max(FEW_CLASSES, n / 2):
        refuse(
            f"{next(iter(ys))} has {len(class_names)} classes for {n} training samples. Hint: labels must be classes; "
            "put quantities into bins"
        )
    sizes = {_part(key): len(array) for key, array in ys.items()}
    return Labels(
        np.concatenate(labels),
        class_names,
        sizes.get("test", 0),
        (*decisions, *of_labels),
        official_validation=sizes.get("validation", 0),
    )


def sample_shape(source: Npz) -> tuple[int, ...] | None:
    """Shape of a prepared sample, from the header of ``x`` alone; None where the file does not tell."""
    shapes = array_shapes(source.path)
    shape = next((shapes[name] for ending in PARTS["train"] if (name := f"x{ending}") in shapes), ())
    return as_networks_see(shape[1:], source.channels) if len(shape) > 1 else None


def _part(key: str) -> str:
    return next(part for part, endings in PARTS.items() if key[1:] in endings)


def _read_arrays(source: Npz, kinds: str = "xy") -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The arrays that are used, by their names in the file, part after part; and what was left out.

    ``kinds`` says with which letters the names of those begin that are wanted.
    """
    path = Path(source.path)
    where = f"Data set '{source.name}': {path}"
    _check_file(path, source)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            keys, decisions = _chosen(archive.files, where)
            arrays = {key: archive[key] for key in keys if key[0] in kinds}
    except NPZ_ERRORS as error:
        if "pickle" in str(error) or "Object arrays" in str(error):
            raise DatasetError(
                f"{where} cannot be read: {error}. Hint: objects cannot be loaded safely; save plain arrays, as "
                "np.array(labels, dtype=str) for class names, and samples of one size."
            ) from error
        raise DatasetError(f"{where} cannot be read: {error or type(error).__name__}. Hint: write it again.") from error
    for key, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise DatasetError(f"{where}: {key} is not a NumPy array. Hint: write the file with np.savez.")
    return arrays, decisions


def _check_file(path: Path, source: Npz) -> None:
    """Say of a file that is no archive what it is."""
    where = f"Data set '{source.name}'"
    if path.is_dir():
        raise DatasetError(
            f"{where}: {path} is a folder, not an .npz file. Hint: for a folder of images, set source: image_folder."
        )
    if not path.is_file():
        look = "check its spelling" if path.is_absolute() else "the path is relative to the working directory"
        raise DatasetError(f"{where}: there is no file {path}. Hint: {look}.")
    with path.open("rb") as stream:
        head = stream.read(len(_MAGIC_OF_NPY))
    hint = "write it with np.savez(path, x=..., y=...)"
    if not head:
        raise DatasetError(f"{where}: {path} cannot be read: it is empty. Hint: {hint}.")
    if head == _MAGIC_OF_NPY:
        raise DatasetError(
            f"{where}: {path} cannot be read: it holds a single array (.npy), without labels. Hint: {hint}."
        )
    if not head.startswith(_MAGIC_OF_ZIP):
        raise DatasetError(f"{where}: {path} cannot be read: it is not a NumPy archive (.npz). Hint: {hint}.")


def _chosen(names: list[str], where: str) -> tuple[list[str], list[str]]:
    """The names of the arrays to read, samples and labels of one part after another, and what was left out."""
    chosen = []
    for part, endings in PARTS.items():
        found = {kind: [kind + ending for ending in endings if kind + ending in names] for kind in ("x", "y")}
        for kind, keys in found.items():
            if len(keys) > 1:
                raise DatasetError(f"{where} has both {' and '.join(keys)}, which are equivalent. Hint: remove one.")
            if not keys and part == "train":
                unlabelled = " Samples without labels come from a function of your own (source: function)."
                raise DatasetError(
                    f"{where} has no array '{kind}'; it has: {', '.join(names) or 'none'}. Hint: name the samples x and the "
                    "labels y; those of official splits x_test, y_test, x_validation and y_validation."
                    + (unlabelled if kind == "y" else "")
                )
        if len(found["x"]) != len(found["y"]):
            both = f"x{endings[0]} and y{endings[0]}"
            raise DatasetError(f"{where} needs both {both}, or neither. Hint: save the labels beside the samples.")
        chosen += found["x"] + found["y"]
    others = [name for name in names if name not in chosen]
    listing = ", ".join(others[:10]) + (f" and {len(others) - 10} more" if len(others) > 10 else "")
    return chosen, [f"Not used: {listing} (known are x and y, with _validation or _test, too)."] if others else []
