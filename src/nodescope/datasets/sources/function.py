"""Data from a function of the user's own, which is called for train, validation and test.

What it may return is told in `nodescope.datasets.sources.returned_data`. Before any job the function's file is only parsed; it
is executed by the job that prepares the data set.
"""

import hashlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nodescope.config.dataset import OwnFunction
from nodescope.datasets.prepared import Extras, LabelSet
from nodescope.datasets.sources.folder_listing import list_folder
from nodescope.datasets.sources.label_arrays import class_indices
from nodescope.datasets.sources.labels import Labels, Refuse
from nodescope.datasets.sources.returned_data import INPUT, LABELS, Part, part_of
from nodescope.jobs.own_functions import load_function, own_code
from nodescope.jobs.own_sources import problem_with_function, sources_digest
from nodescope.messages.errors import DatasetError, FunctionError
from nodescope.storage.files import file_stamp

SPLITS = ("train", "validation", "test")
#: The label that Hugging Face gives to positions without one.
NO_LABEL = -100
#: So many classes may have few samples each; of more, half as many as there are samples.
FEW_CLASSES = 10


def files_digest(source: OwnFunction) -> str:
    """Changes with the function's source, what it imports from its folder, and the files that it is said to read."""
    digest = hashlib.sha256(sources_digest([source.data]).encode())
    for path in map(Path, source.files):
        stamp = list_folder(path).digest() if path.is_dir() else file_stamp(path)
        digest.update(f"{path}\0{stamp}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def check(source: OwnFunction) -> None:
    """Find what is wrong without executing the function.

    Raises
    ------
    DatasetError
    """
    if problem := problem_with_function(source.data):
        raise DatasetError(f"Data set '{source.name}': {problem}.")
    for path in map(Path, source.files):
        if not path.exists():
            raise DatasetError(
                f"Data set '{source.name}': there is no file {path}. Hint: files are those that {source.data} reads."
            )


def read(source: OwnFunction) -> tuple[NDArray[Any], Labels]:
    """Call the function for each split, and put the samples together.

    Raises
    ------
    DatasetError
        If it cannot be called, or what it returns is no data set.
    """
    check(source)
    parts, decisions = _parts(source)
    refuse = _refusal(source)
    names = _names_of_inputs(parts, refuse)
    inputs = {name: _input(name, parts, decisions, refuse) for name in names}
    sizes = {split: len(next(iter(part.inputs.values()))) for split, part in parts.items()}
    extras, labels, class_names = _labels(source, parts, sizes, decisions, refuse)
    x, others = inputs[names[0]], {name: inputs[name] for name in names[1:]}
    is_named = any(part.is_named for part in parts.values())
    x = _as_other_sources(x, decisions)
    return x, Labels(
        labels,
        class_names,
        sizes.get("test", 0) if len(parts) > 1 else 0,
        tuple(decisions),
        official_validation=sizes.get("validation", 0) if len(parts) > 1 else 0,
        extras=Extras(
            names[0] if is_named else "",
            others,
            extras.label_sets,
            extras.position_labels,
            _texts(parts, sizes, refuse),
        ),
    )


def _refusal(source: OwnFunction, split: str = "") -> Refuse:
    called = f"{source.data.rpartition(':')[2]}('{split}')" if split else source.data

    def refuse(what: str) -> NoReturn:
        raise DatasetError(f"Data set '{source.name}': {called}: {what}.")

    return refuse


def _parts(source: OwnFunction) -> tuple[dict[str, Part], list[str]]:
    """What the function returned for each split, and what was decided."""
    decisions: list[str] = []
    parts: dict[str, Part] = {}
    try:
        function = load_function(source.data)
        for split in SPLITS:
            returned = function(split)
            if returned is not None:
                refuse = _refusal(source, split)
                with own_code(function.place):  # a data set of the user's own runs their code
                    part = part_of(returned, refuse)
                _check_part(part, refuse)
                parts[split] = part
    except FunctionError as error:
        raise DatasetError(f"Data set '{source.name}': {error}.") from error
    except (DatasetError, MemoryError):
        raise
    except Exception as error:  # of a data set of the user's own
        reason = " ".join(str(error).split())[:300]
        raise DatasetError(
            f"Data set '{source.name}': {source.data} failed: {type(error).__name__}: {reason}."
        ) from error
    if not parts:
        _refusal(source)(
            "it returned None for train, validation and test. Hint: return (x, y) for at least one of them"
        )
    if "train" not in parts:
        first = next(iter(parts))
        decisions.append(
            f"The function gives no training samples: the {first} samples were taken, and all splits are drawn from them."
        )
        if len(parts) > 1:
            decisions.append(f"The {' and '.join(list(parts)[1:])} samples were not used.")
        return {"train": parts[first]}, decisions
    for split, part in parts.items():
        if part.unused:
            decisions.append(f"Texts of {split} that are not shown: {', '.join(part.unused)} (shown are 'texts').")
    return parts, decisions


def _check_part(part: Part, refuse: Refuse) -> None:
    """That a split has samples, as many of each input."""
    if not part.inputs or not all(array.size for array in part.inputs.values()):
        refuse("no samples. Hint: return None where there is no such split")
    first, *others = part.inputs
    for name, array in part.inputs.items():
        if array.dtype.kind not in "buif":
            refuse(
                f"input '{name}' must hold numbers, not {array.dtype}. Hint: return floats, or whole numbers such as token ids"
            )
        if not array.ndim:
            refuse(f"input '{name}' must be [sample, ...], not a single number. Hint: return all samples")
    for name in others:
        if len(part.inputs[name]) != len(part.inputs[first]):
            refuse(
                f"'{first}' has {len(part.inputs[first])} samples, but '{name}' has {len(part.inputs[name])}. Hint: return one row "
                "for every sample"
            )


def _names_of_inputs(parts: dict[str, Part], refuse: Refuse) -> list[str]:
    names = list(next(iter(parts.values())).inputs)
    for split, part in parts.items():
        if list(part.inputs) != names:
            refuse(
                f"the inputs of train are {', '.join(names)}, those of {split} {', '.join(part.inputs)}. Hint: return the same"
            )
    return names


def _input(name: str, parts: dict[str, Part], decisions: list[str], refuse: Refuse) -> NDArray[Any]:
    """One input of all splits: uint8, int64, bool or float32."""
    arrays = {split: part.inputs[name] for split, part in parts.items()}
    (_, first), *others = arrays.items()
    for split, array in others:
        if array.shape[1:] != first.shape[1:]:
            refuse(
                f"samples of '{name}' differ in shape: {first.shape[1:]} in train and {array.shape[1:]} in {split}. "
                "Hint: resize or pad them to one shape"
            )
        if array.dtype.kind != first.dtype.kind or (array.dtype == np.uint8) != (first.dtype == np.uint8):
            refuse(f"'{name}' is {first.dtype} in train and {array.dtype} in {split}. Hint: return one type")
    for split, array in arrays.items():
        if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
            of_samples = int((~finite.reshape(len(array), -1).all(axis=1)).sum())
            place = [int(i) for i in np.unravel_index(int((~finite).argmax()), array.shape)]
            refuse(
                f"'{name}' of {split} holds {int((~finite).sum())} NaN or infinite value(s) in {of_samples} of {len(array)} "
                f"samples, the first at {place}. Hint: remove these samples or fill in the missing values"
            )
    values = np.concatenate(list(arrays.values()))
    if values.dtype == np.uint8 and name != INPUT and values.max() <= 1:
        return values.astype(np.int64)  # a mask, not an image
    if values.dtype.kind in "iu" and values.dtype != np.uint8:
        return values.astype(np.int64)
    if values.dtype.kind == "f" and values.dtype.itemsize > 4 and np.abs(values).max() > np.finfo(np.float32).max:
        refuse(f"'{name}' holds {np.abs(values).max():g}, beyond the range of float32. Hint: scale it beforehand")
    return np.ascontiguousarray(values.astype(np.float32) if values.dtype.kind == "f" else values)


def _as_other_sources(x: NDArray[Any], decisions: list[str]) -> NDArray[Any]:
    """Bytes are divided by 255 when a network sees them, unless they are 0 and 1 only."""
    if x.ndim == 1:
        x = x[:, None]
        decisions.append("Samples are single numbers: taken as [sample, 1].")
    if x.dtype != np.uint8:
        return x
    if x.max() > 1:
        decisions.append("Values (uint8) are divided by 255; return floats if that is wrong.")
        return x
    decisions.append("Values (uint8) are 0 and 1 only: they are not divided.")
    return x.astype(np.float32)


# --- labels ---


def _labels(
    source: OwnFunction, parts: dict[str, Part], sizes: dict[str, int], decisions: list[str], refuse: Refuse
) -> tuple[Extras, NDArray[np.int64], list[str]]:
    """Extras with the sets of labels; class indices and class names of the one that is used."""
    n = sum(sizes.values())
    names = list(next(iter(parts.values())).labels)
    for split, part in parts.items():
        if set(part.labels) != set(names):
            lacking = sorted(set(names) ^ set(part.labels))
            where = split if set(names) - set(part.labels) else "train"
            refuse(
                f"labels are missing in {where}: {', '.join(lacking)}. Hint: return labels for every split, or for none"
            )
    if source.labels is not None and source.labels not in names:
        held = f"it returned: {', '.join(names)}" if names else "it returned no labels"
        refuse(f"there are no labels '{source.labels}'; {held}. Hint: set labels to one of them, or leave it out")
    if not names:
        decisions.append("There are no labels: what needs classes is left out.")
        return Extras(), np.zeros(n, np.int64), []
    sets = {}
    for name in names:
        arrays = {split: part.labels[name] for split, part in parts.items()}
        rows = {split: part.inputs for split, part in parts.items()}
        sets[name] = (
            _of_positions(arrays, sizes, refuse)
            if _are_of_positions(arrays, rows)
            else _of_samples(name, arrays, sizes, decisions, refuse)
        )
    used = source.labels or names[0]
    if len(names) > 1:
        decisions.append(f"Of the labels {', '.join(names)}, {used} are used.")
    chosen = sets[used]
    label_sets = sets if len(sets) > 1 or names[0] != LABELS else {}
    if len(chosen.class_names) == 1:
        decisions.append(f"There is one class only ({chosen.class_names[0]!r}): what compares classes is left out.")
    if chosen.y.ndim > 1:
        return Extras(label_sets=label_sets, position_labels=chosen.y), np.zeros(n, np.int64), list(chosen.class_names)
    return Extras(label_sets=label_sets), chosen.y, list(chosen.class_names)


def _are_of_positions(arrays: dict[str, NDArray[Any]], inputs: dict[str, dict[str, NDArray[Any]]]) -> bool:
    """Whether labels [N, T] are those of tokens, or of other positions of a sample, and not one-hot."""
    for split, y in arrays.items():
        x = next(iter(inputs[split].values()))
        is_sequence = x.ndim > 2 or x.dtype.kind == "i"
        if y.ndim != 2 or y.shape[1] < 2 or not is_sequence or x.shape[1:2] != y.shape[1:2]:
            return False
    return True


def _of_positions(arrays: dict[str, NDArray[Any]], sizes: dict[str, int], refuse: Refuse) -> LabelSet:
    for split, y in arrays.items():
        if len(y) != sizes[split]:
            refuse(f"{split} has {sizes[split]} samples, but labels of {len(y)}. Hint: return labels for every sample")
        if y.dtype.kind not in "biuU":
            refuse(f"labels of positions must be class indices or names, not {y.dtype}. Hint: -100 where there is none")
    y = np.concatenate(list(arrays.values()))
    is_none = y == NO_LABEL if y.dtype.kind in "iu" else y == "" if y.dtype.kind == "U" else np.zeros(y.shape, bool)
    classes, indices = np.unique(y[~is_none], return_inverse=True)
    if not len(classes):
        refuse(f"no position has a label. Hint: {NO_LABEL} stands for none")
    found = np.full(y.shape, -1, np.int64)
    found[~is_none] = indices.reshape(-1)
    return LabelSet(found, tuple(str(name) for name in classes.tolist()))


def _of_samples(
    name: str, arrays: dict[str, NDArray[Any]], sizes: dict[str, int], decisions: list[str], refuse: Refuse
) -> LabelSet:
    ys = {f"y of {split}": y for split, y in arrays.items()}
    of_samples = {f"y of {split}": size for split, size in sizes.items()}
    said: list[str]
    labels, class_names, said = class_indices(ys, of_samples, refuse)
    decisions += said
    n = len(labels[0])
    if len(class_names) > max(FEW_CLASSES, n / 2):
        refuse(
            f"{name} has {len(class_names)} classes for {n} training samples. Hint: labels must be classes; put quantities into "
            "bins, or return no labels"
        )
    return LabelSet(np.concatenate(labels), tuple(class_names))


def _texts(parts: dict[str, Part], sizes: dict[str, int], refuse: Refuse) -> tuple[str, ...] | None:
    if all(part.texts is None for part in parts.values()):
        return None
    for split, part in parts.items():
        if len(part.texts or ()) != sizes[split]:
            refuse(
                f"{split} has {sizes[split]} samples, but {len(part.texts or ())} texts. Hint: return one for every sample"
            )
    return tuple(text for part in parts.values() for text in part.texts or ())
