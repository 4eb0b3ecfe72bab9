"""What a function of the user's own returned for a split, as arrays: whatever form it has.

Taken are whole arrays (NumPy, tensors of PyTorch, nested lists) alone, as ``(x, y)`` or ``(x, y, mask)``, or in a dict with
labels and texts among the inputs; and anything that gives samples or batches of these one after another: data sets and loaders
of PyTorch, lists, generators. PyTorch is not imported here: what is not a tensor needs none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nodescope.datasets.sources.labels import Refuse

#: Keys of dicts that are no inputs.
LABEL_KEYS = ("labels", "label", "y", "target", "targets")
TEXT_KEYS = ("texts", "text")
#: The name of the one input that has none, where there are others; and that of the third of a tuple.
INPUT, MASK = "x", "attention_mask"
#: The name of the one set of labels.
LABELS = "labels"


@dataclass(frozen=True)
class Part:
    """The samples of a split.

    Attributes
    ----------
    inputs : dict of arrays [sample, ...]
        By name; `INPUT` where the one input has none.
    labels : dict of arrays [sample, ...]
        Sets of labels by name; empty without labels.
    texts : list of str or None
    unused : tuple of str
        Keys that hold texts which are not shown.
    """

    inputs: dict[str, NDArray[Any]]
    labels: dict[str, NDArray[Any]]
    texts: list[str] | None = None
    unused: tuple[str, ...] = ()
    is_named: bool = False


@dataclass
class _Collected:
    """Samples or batches so far."""

    inputs: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    labels: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    unused: dict[str, None] = field(default_factory=dict)
    is_named: bool = False


def part_of(returned: Any, refuse: Refuse) -> Part:
    """The samples of a split, from what the function returned.

    Parameters
    ----------
    returned
        See the head of this module.
    refuse : callable
        Raises the error that it is given the words of.
    """
    tensors = getattr(returned, "tensors", None)
    if isinstance(tensors, tuple):  # of torch's TensorDataset
        returned = tensors
    if _is_whole(returned):
        found = _split_up(returned, refuse)
        return Part(
            {name: array_of(value, f"input '{name}'", refuse) for name, value in found.inputs.items()},
            {name: array_of(value, "labels", refuse) for name, value in found.labels.items() if value is not None},
            _texts(found.texts, refuse),
            tuple(found.unused),
            found.is_named,
        )
    return _collected(returned, refuse)


def array_of(value: Any, what: str, refuse: Refuse) -> NDArray[Any]:
    """An array, from a tensor, an image of Pillow, an array or nested lists."""
    if hasattr(value, "detach"):  # a tensor, perhaps on a GPU
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() and value.element_size() < 4 else value
    is_image = hasattr(value, "getbands")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        refuse(f"{what} cannot be taken as an array ({reason}). Hint: give samples of one shape")
    if is_image:
        array = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
    if array.dtype == object:
        if all(isinstance(each, str) for each in array.flat):
            return array.astype(np.str_)
        refuse(f"{what} holds objects, not numbers. Hint: return arrays or tensors")
    return array


# --- one item: all samples, a batch or a sample ---


@dataclass(frozen=True)
class _Item:
    inputs: dict[str, Any]
    labels: dict[str, Any]
    texts: Any
    unused: tuple[str, ...]
    is_named: bool


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _has_rows(value: Any) -> bool:
    return (_is_array(value) and len(value.shape) > 0) or isinstance(value, Mapping) or _is_nested(value)


def _is_nested(value: Any) -> bool:
    """Whether a list holds numbers, or lists of them."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, (int, float))


def _is_whole(value: Any) -> bool:
    """Whether it holds all samples at once."""
    if isinstance(value, Mapping) or _is_array(value) or _is_nested(value):
        return True
    if isinstance(value, tuple):
        return len(value) > 0 and _has_rows(value[0])
    if isinstance(value, list) and len(value) in (2, 3) and all(_is_array(each) for each in value):
        x, y = value[0], value[1]
        return len(x.shape) > 1 and 0 < len(y.shape) < len(x.shape) and x.shape[0] == y.shape[0]
    return False


def _split_up(item: Any, refuse: Refuse) -> _Item:
    """Inputs, labels and texts of all samples, of a batch, or of one."""
    if isinstance(item, Mapping):
        labels = [key for key in LABEL_KEYS if key in item]
        if len(labels) > 1:
            refuse(
                f"both {' and '.join(labels)} are labels. Hint: return one of them; several sets are a dict under labels"
            )
        texts = next((key for key in TEXT_KEYS if key in item), None)
        inputs = {str(key): value for key, value in item.items() if key not in (*labels, texts)}
        strings = tuple(key for key, value in inputs.items() if _is_text(value))
        inputs = {key: value for key, value in inputs.items() if key not in strings}
        if not inputs:
            refuse(f"no input among {', '.join(map(str, item)) or 'nothing'}. Hint: return arrays, such as token ids")
        found = item[labels[0]] if labels else None
        return _Item(inputs, _named(found), item[texts] if texts else None, strings, True)
    if isinstance(item, (tuple, list)):
        if not 1 <= len(item) <= 3:
            refuse(f"a tuple of {len(item)}. Hint: return (x, y), (x, y, mask), or a dict with names")
        x, y, mask = (*item, None, None)[:3]
        if isinstance(x, Mapping):
            inner = _split_up(x, refuse)
            return _Item(inner.inputs, _named(y) or inner.labels, inner.texts, inner.unused, True)
        if _is_text(x):
            refuse("samples are texts. Hint: return token ids, and the texts under 'texts' to show them")
        return _Item({INPUT: x} | ({} if mask is None else {MASK: mask}), _named(y), None, (), mask is not None)
    return _Item({INPUT: item}, {}, None, (), False)


def _named(labels: Any) -> dict[str, Any]:
    if labels is None:
        return {}
    return {str(name): value for name, value in labels.items()} if isinstance(labels, Mapping) else {LABELS: labels}


def _is_text(value: Any) -> bool:
    while isinstance(value, (list, tuple)) and len(value):
        value = value[0]
    return isinstance(value, (str, bytes)) or (_is_array(value) and getattr(value.dtype, "kind", None) in ("U", "S"))


def _texts(texts: Any, refuse: Refuse) -> list[str] | None:
    if texts is None:
        return None
    found = [texts] if isinstance(texts, str) else list(texts)
    if not all(isinstance(text, str) for text in found):
        refuse("texts are not texts. Hint: return a list of str")
    return [str(text) for text in found]


# --- samples or batches, one after another ---


def _collected(source: Any, refuse: Refuse) -> Part:
    collected = _Collected()
    give_batches: bool | None = _gives_batches(source)
    for item in _items(source, refuse):
        found = _split_up(item, refuse)
        if give_batches is None:
            give_batches = _is_batch(found)
        collected.is_named |= found.is_named
        collected.unused |= dict.fromkeys(found.unused)
        for into, values in ((collected.inputs, found.inputs), (collected.labels, found.labels)):
            for name, value in values.items():
                if value is not None:
                    array = array_of(value, f"'{name}'", refuse)
                    into.setdefault(name, []).append(array if give_batches else array[None])
        if found.texts is not None:
            collected.texts += _texts(found.texts, refuse) or []
    if not collected.inputs:
        return Part({}, {})
    counts = {name: sum(map(len, arrays)) for name, arrays in collected.inputs.items()}
    labelled = {name: sum(map(len, arrays)) for name, arrays in collected.labels.items()}
    n = counts[next(iter(counts))]
    for name, count in {**counts, **labelled}.items():
        if count != n:
            refuse(f"'{name}' was given for {count} of {n} samples. Hint: give it for all of them, or for none")
    return Part(
        {name: _joined(arrays, name, refuse) for name, arrays in collected.inputs.items()},
        {name: _joined(arrays, name, refuse) for name, arrays in collected.labels.items()},
        collected.texts or None,
        tuple(collected.unused),
        collected.is_named,
    )


def _items(source: Any, refuse: Refuse) -> Iterator[Any]:
    # A data set of PyTorch ends by its length: its __getitem__ need not raise IndexError.
    by_index: Callable[[int], Any] | None = getattr(source, "__getitem__", None)
    if by_index is not None and hasattr(source, "__len__") and not isinstance(source, Sequence):
        return (by_index(index) for index in range(len(source)))
    if isinstance(source, Iterable) and not isinstance(source, (str, bytes)):
        return iter(source)
    refuse(f"{type(source).__name__} holds no samples. Hint: return (x, y), a dict, a data set or a loader")


def _gives_batches(source: Any) -> bool | None:
    """Whether a loader gives batches; None where only what it gives can tell."""
    kinds = {kind.__name__ for kind in type(source).__mro__}
    if "DataLoader" in kinds:
        return getattr(source, "batch_size", None) is not None or getattr(source, "batch_sampler", None) is not None
    return False if hasattr(source, "__getitem__") and not isinstance(source, Sequence) else None


def _is_batch(item: _Item) -> bool:
    """Whether labels are as many as the rows of the first input; what has no labels is a sample."""
    x = next(iter(item.inputs.values()))
    labels = next(iter(item.labels.values()), None)
    if not hasattr(x, "shape") or labels is None or isinstance(labels, (str, bytes)):
        return False
    n = labels.shape[0] if getattr(labels, "shape", ()) else len(labels) if isinstance(labels, (list, tuple)) else None
    return n is not None and len(x.shape) > 0 and n == x.shape[0]


def _joined(arrays: list[NDArray[Any]], name: str, refuse: Refuse) -> NDArray[Any]:
    shapes = list(dict.fromkeys(array.shape[1:] for array in arrays))
    if len(shapes) > 1:
        _differ(name, shapes, refuse)
    return np.concatenate(arrays)


def _differ(name: str, shapes: list[tuple[int, ...]], refuse: Refuse) -> NoReturn:
    pad = ", and return attention_mask" if all(len(shape) == len(shapes[0]) for shape in shapes) else ""
    refuse(
        f"samples of '{name}' differ in shape: {shapes[0]} and {shapes[1]}. Hint: resize or pad them to one shape{pad}"
    )
