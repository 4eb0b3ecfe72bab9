"""The samples that a network is looked at with: read once and kept, so that they are the same at each time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

from nodescope.messages.errors import NetworkError
from nodescope.networks.found_layers import number_of_samples
from nodescope.networks.undisturbed import device_of, same_random_numbers
from nodescope.recording.batches import MASK, check_numbers, labels_of, mask_of, parts_of_batch

#: Samples of a batch that is read from a data set.
READ_AT_A_TIME = 64
#: Labels of more classes are none: a count of patterns for each would take too much memory.
MOST_CLASSES = 100


@dataclass(frozen=True)
class ProbeBatch:
    """Some samples: what the network takes, labels [B] or None, mask [B, T] or None."""

    inputs: Any
    labels: NDArray[Any] | None
    mask: NDArray[np.bool_] | None

    def __len__(self) -> int:
        return number_of_samples(self.inputs)


class Probe:
    """Samples in memory, in a fixed order.

    Parameters
    ----------
    given
        A tensor ``x``, a tuple ``(x, y)`` or ``(x, y, mask)``, a dict of keywords, a data set, or a loader or other iterable of
        such batches; ``x`` may be a tuple or dict. A loader is read through its data set, in the order of that.
    samples : int or None
        As many at most, drawn by a fixed seed; the first of an iterable. None for all.
    mask
        The key, of dicts, of what says which positions count.

    Raises
    ------
    NetworkError
        If there is no sample, or one holds NaN.
    """

    def __init__(self, given: Any, samples: int | None = None, mask: str = MASK) -> None:
        self.batches: list[ProbeBatch] = []
        with same_random_numbers():  # which a data set may draw, and a loader does
            for number, batch in enumerate(_batches(given, samples), start=1):
                inputs, labels, own_mask = parts_of_batch(batch, mask)
                check_numbers(inputs, number)
                read = ProbeBatch(_tensors(inputs), _labels(labels, number), mask_of(own_mask))
                if len(read):
                    self.batches.append(read)
                if samples is not None and len(self) >= samples:
                    self.batches[-1] = part_of(self.batches[-1], slice(0, samples - len(self) + len(self.batches[-1])))
                    break
        if not self.batches:
            raise NetworkError(
                "The probe has no samples. Hint: some hundred or thousand samples: a tensor, (x, y) or a loader"
            )
        given_labels = [batch.labels for batch in self.batches if batch.labels is not None]
        classes, indices = np.zeros(1), np.zeros(len(self), np.int64)
        if len(given_labels) == len(self.batches):
            found, places = np.unique(np.concatenate(given_labels), return_inverse=True)
            if len(found) <= MOST_CLASSES:
                classes, indices = found, places.astype(np.int64)
        #: Indices of the classes [N]; zeros where there are none, or too many.
        self.classes = indices
        self.n_classes = len(classes)

    def __len__(self) -> int:
        return sum(map(len, self.batches))

    def given(self, network: nn.Module, size: int = READ_AT_A_TIME) -> Iterator[tuple[Any, Any, Any]]:
        """Inputs as the network takes them, labels and mask, batch by batch."""
        for part in self.parts(size):
            yield given_to(network, part.inputs), part.labels, part.mask

    def parts(self, size: int) -> Iterator[ProbeBatch]:
        """The samples in their order, no more than so many at a time."""
        for batch in self.batches:
            for begin in range(0, len(batch), size):
                yield part_of(batch, slice(begin, begin + size))


def given_to(network: nn.Module, inputs: Any, *, copied: bool = True) -> Any:
    """Inputs as a network takes them: on its device, in half precision if it is, and a copy if it may write over them."""
    dtype = next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)
    device = device_of(network)

    def convert(values: Any) -> Any:
        if isinstance(values, torch.Tensor):
            return values.to(device, dtype if values.is_floating_point() else values.dtype, copy=copied)
        return _each(values, convert)

    return convert(inputs)


def versions(inputs: Any) -> list[int]:
    """How often each tensor has been written to."""
    if isinstance(inputs, torch.Tensor):
        return [inputs._version]
    values = inputs.values() if isinstance(inputs, Mapping) else inputs if isinstance(inputs, tuple | list) else ()
    return [version for value in values for version in versions(value)]


def part_of(batch: ProbeBatch, which: slice) -> ProbeBatch:
    """Some samples of a batch; views."""
    count = len(batch)

    def cut(values: Any) -> Any:
        if isinstance(values, torch.Tensor):
            return values[which] if values.ndim and len(values) == count else values
        return _each(values, cut)

    labels, mask = (None if values is None else values[which] for values in (batch.labels, batch.mask))
    return ProbeBatch(cut(batch.inputs), labels, mask)


def _each(values: Any, function: Any) -> Any:
    """The values of a dict, tuple or list, each changed; others as they are."""
    if isinstance(values, Mapping):
        return {key: function(value) for key, value in values.items()}
    if isinstance(values, tuple) and hasattr(values, "_fields"):  # a named tuple
        return type(values)(*map(function, values))
    return type(values)(map(function, values)) if isinstance(values, tuple | list) else values


def _tensors(inputs: Any) -> Any:
    return torch.from_numpy(inputs) if isinstance(inputs, np.ndarray) else _each(inputs, _tensors)


def _labels(given: Any, number: int) -> NDArray[Any] | None:
    """Labels that are classes; None of targets of a regression, or of positions."""
    try:
        return labels_of(given, number)
    except NetworkError:
        return None


def _batches(given: Any, samples: int | None) -> Iterable[Any]:
    """Batches of what a user gives."""
    if isinstance(given, torch.Tensor | np.ndarray | tuple | Mapping) or _is_pair(given):
        return _drawn_batch(given, samples)
    if isinstance(given, DataLoader):
        is_indexed = not isinstance(given.dataset, IterableDataset) and given.batch_size is not None
        return _read(given.dataset, samples, given.batch_size, given.collate_fn) if is_indexed else given
    if isinstance(given, IterableDataset):
        return DataLoader(given, READ_AT_A_TIME)
    if hasattr(given, "__getitem__") and hasattr(given, "__len__") and not isinstance(given, list):
        return _read(given, samples, READ_AT_A_TIME, None)
    if isinstance(given, Iterable):
        return given
    raise NetworkError(
        f"The probe is of type {type(given).__name__}. Hint: a tensor, (x, y), a dict of keywords, a data set or a loader"
    )


def _is_pair(given: Any) -> bool:
    return isinstance(given, list) and 0 < len(given) <= 3 and isinstance(given[0], torch.Tensor | np.ndarray)


def _drawn_batch(batch: Any, samples: int | None) -> Iterator[Any]:
    """The samples of one batch that has all of them."""
    inputs = parts_of_batch(batch)[0]
    count = number_of_samples(_tensors(inputs))
    if samples is None or count <= samples:
        yield batch
        return
    drawn = torch.from_numpy(_drawn(count, samples))

    def choose(values: Any) -> Any:
        if isinstance(values, torch.Tensor):
            return values[drawn.to(values.device)] if values.ndim and len(values) == count else values
        if isinstance(values, np.ndarray) or (isinstance(values, list) and len(values) == count):
            return np.asarray(values)[drawn.numpy()]
        return _each(values, choose)

    yield choose(batch)


def _read(dataset: Any, samples: int | None, batch_size: int | None, collate: Any) -> Iterable[Any]:
    count = len(dataset)
    chosen: Sequence[int] = range(count)
    if samples is not None and count > samples:
        chosen = _drawn(count, samples).tolist()
    own: Dataset[Any] = Subset(dataset, chosen)
    return DataLoader(own, batch_size, collate_fn=collate)


def _drawn(count: int, samples: int) -> NDArray[np.int64]:
    """So many places, in ascending order, always the same ones."""
    drawn: NDArray[np.int64] = np.sort(np.random.default_rng(0).choice(count, samples, replace=False))
    return drawn
