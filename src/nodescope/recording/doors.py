"""Record a network from Python: in one call with a loader, or around a loop of one's own.

Both write what a study's ``recordings: {files: FOLDER}`` takes in::

    FOLDER/CONFIGURATION/network.json
    FOLDER/CONFIGURATION/seed-0/trained/test/layer-1.parquet ... output.parquet

Nothing of the network is changed: it is run in evaluation, without gradients, and modes and random numbers are as before, so
that a training that goes on is the same to the last bit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import nn

from nodescope.config.layer_patterns import ACTIVATIONS
from nodescope.config.patterns import problem_with_axis
from nodescope.messages.errors import NetworkError
from nodescope.networks.undisturbed import device_of, undisturbed
from nodescope.networks.unwrapping import unwrapped
from nodescope.recording.batches import (
    MASK,
    check_numbers,
    is_other_process,
    labels_of,
    mask_of,
    moved,
    parts_of_batch,
)
from nodescope.recording.collecting import Positions
from nodescope.recording.importing import class_names_of_labels
from nodescope.recording.parquet import LayerMetadata
from nodescope.recording.recorder import OUTPUT, Recorded, Recorder
from nodescope.storage.json_files import read_json, write_json
from nodescope.study.brought_configurations import NETWORK_FILE, kind_of_axis
from nodescope.study.layout import activation_path
from nodescope.study.pattern_networks import identifiers

Axes = Mapping[str, int | float | str]
See = Callable[..., None]


def record(
    model: nn.Module,
    loader: Iterable[Any],
    folder: str | Path,
    *,
    split: str = "test",
    state: str = "trained",
    seed: int = 0,
    axes: Axes | None = None,
    data: str = "data",
    layers: str | Sequence[str] = ACTIVATIONS,
    positions: Positions = "summary",
    positions_per_sample: int | None = None,
    mask: str = MASK,
    class_names: Sequence[str] | None = None,
    theta_threshold: float = 0.0,
    axis: int | None = None,
) -> Path | None:
    """Run a network over all batches of a loader, and record what every node does for every sample.

    Parameters
    ----------
    model
        Any module, on any device; ``torch.compile``, ``DataParallel`` and the like are looked through.
    loader
        Batches: ``x``, ``(x, y)``, ``(x, y, mask)``, or a dict of keywords with ``labels``; ``x`` may be a tensor, or a tuple
        or dict of several. It must not shuffle. Labels are numbers or texts, one for each sample.
    folder
        Gets a folder for the configuration, which states, seeds and splits share.
    split, state, seed
        What this recording is of.
    axes
        What the network differs in from others in the folder, such as ``{"width": 200}``: axes of the study that takes it in.
    data
        Name of the data.
    layers
        ``activations`` (every activation function), names of modules, or patterns; see `nodescope.config.layer_patterns`.
    positions : {'summary', 'rows', 'last'}
        Of layers with positions (pixels, tokens): a summary of them, each as a row, or of tokens the last one.
    positions_per_sample
        With ``rows``: as many of each sample at most, chosen by a seed.
    mask
        The key, of batches that are dicts, of what says which positions count.
    class_names
        All classes, in the order of their indices; by default from the labels.
    theta_threshold
        A node counts as on where its value exceeds this.
    axis
        The node axis of tensors with positions; found by default.

    Returns
    -------
    Path or None
        The configuration's folder; None in a process of ``torch.distributed`` other than the first, which records nothing.

    Raises
    ------
    NetworkError
        If there is nothing to record, the data change within the loader or differ from what was recorded before, or a batch
        holds what is not a number.

    Examples
    --------
    >>> nodescope.record(model, DataLoader(test_set, batch_size=64), "recordings")  # doctest: +SKIP
    """
    if isinstance(getattr(loader, "sampler", None), torch.utils.data.RandomSampler):
        raise NetworkError(
            "The loader shuffles, so that its samples cannot be told apart from one pass to the next. Hint: shuffle=False"
        )
    with recorder(
        model, folder, split=split, state=state, seed=seed, axes=axes, data=data, layers=layers, positions=positions,
        positions_per_sample=positions_per_sample, class_names=class_names, theta_threshold=theta_threshold, axis=axis,
        n_samples=_length(loader),
    ) as see:  # fmt: skip
        if not isinstance(see, _Announcer):
            return None
        device = device_of(model)
        for number, batch in enumerate(loader, start=1):
            inputs, labels, own_mask = parts_of_batch(batch, mask)
            check_numbers(inputs, number)
            if labels is None and class_names is not None:
                raise NetworkError(
                    f"Batch {number} of the loader has no labels, but class_names were given. Hint: yield (x, y)"
                )
            see.recorder.run(moved(inputs, device), labels_of(labels, number), mask_of(own_mask))
        return see.folder


@contextmanager
def recorder(
    model: nn.Module,
    folder: str | Path,
    *,
    split: str = "test",
    state: str = "trained",
    seed: int = 0,
    axes: Axes | None = None,
    data: str = "data",
    layers: str | Sequence[str] = ACTIVATIONS,
    positions: Positions = "summary",
    positions_per_sample: int | None = None,
    class_names: Sequence[str] | None = None,
    theta_threshold: float = 0.0,
    axis: int | None = None,
    n_samples: int | None = None,
) -> Iterator[See]:
    """Record a network while a loop of one's own runs it.

    Gives a function ``see(labels=None, mask=None, samples=None)`` that announces a batch: whatever the network computes until
    the next announcement is of that batch, which may call any method of the network. The files are written at the end of
    the block.

    Parameters
    ----------
    n_samples
        Of all batches together, if it is known; saves time in large layers.
    model, folder, split, state, seed, axes, data, layers, positions, positions_per_sample, class_names, theta_threshold, axis
        As of `record`.

    Raises
    ------
    NetworkError
        As of `record`; and if a batch was announced whose forward pass never came.

    Examples
    --------
    >>> with nodescope.recorder(model, "recordings", state="epoch-3") as see:  # doctest: +SKIP
    ...     for x, y in loader:
    ...         see(labels=y)
    ...         model.encode(x)
    """
    if is_other_process():
        yield lambda **_: None
        return
    if isinstance(model, nn.DataParallel) and len(model.device_ids) > 1:
        raise NetworkError(
            f"DataParallel runs parts of a batch on {len(model.device_ids)} devices at once. Hint: run model.module"
        )
    network, values = unwrapped(model), _checked_axes(axes)
    own = Path(folder) / identifiers([values], type(network).__name__)[0]
    _check_same_axes(own / NETWORK_FILE, values)
    target = Path(activation_path(str(own), seed, state, split, OUTPUT)).parent
    made = Recorder(
        network, target, dataset=data, layers=layers, positions=positions, positions_per_sample=positions_per_sample,
        theta_threshold=theta_threshold, axis=axis, n_samples=n_samples,
    )  # fmt: skip
    see = _Announcer(made, own)
    try:
        with undisturbed(network):
            yield see
            see.end()
        if not made.n_batches:
            raise NetworkError("No batch was recorded. Hint: call see(labels=...) before each forward pass")
        before = _recorded_before(own, target, split)
        names, indices = _classes(made, class_names, before)
        _check_same_samples(made, names, indices, before)
        recorded = made.finish(names, indices)
        _describe(own / NETWORK_FILE, network, recorded, values)
    finally:
        see.abandon()
        made.close()


def _checked_axes(axes: Axes | None) -> dict[str, int | float | str]:
    """Values of axes as JSON holds them."""
    values = {}
    for name, given in (axes or {}).items():
        value = given.item() if isinstance(given, np.generic) else given
        problem = problem_with_axis(str(name))
        if problem is None and kind_of_axis(value) is None:
            problem = f"{name} is {value!r}; allowed: a finite number or a text"
        if problem:
            raise NetworkError(f"axes: {problem}")
        values[str(name)] = value
    return values


def _check_same_axes(path: Path, axes: Axes) -> None:
    """That what was recorded in the folder before is of the same configuration: names of folders are simplified."""
    before = read_json(path).get("axes", {}) if path.is_file() else axes
    if before != axes:
        raise NetworkError(
            f"{path.parent} holds recordings of the axes {before}, not {dict(axes)}. Hint: other words for the values, or "
            "another folder"
        )


class _Announcer:
    """Announces batches."""

    def __init__(self, made: Recorder, folder: Path) -> None:
        self.recorder = made
        self.folder = folder
        self._batch = ExitStack()

    def __call__(self, labels: Any = None, mask: Any = None, samples: Any = None) -> None:
        self.end()
        number = self.recorder.n_batches + 1
        of_batch = labels_of(labels, number), mask_of(mask), None if samples is None else np.asarray(samples, np.int64)
        known = next((len(values) for values in of_batch if values is not None), None)
        self._batch.enter_context(self.recorder.batch(known, *of_batch))

    def end(self) -> None:
        """End the batch that was announced last."""
        self._batch.close()

    def abandon(self) -> None:
        """Take the hooks of a batch off the network that was broken off."""
        batch, self._batch = self._batch, ExitStack()
        batch.__exit__(_BrokenOff, _BrokenOff(), None)


class _BrokenOff(Exception):
    pass


def _length(loader: Iterable[Any]) -> int | None:
    try:
        return len(loader.dataset)  # type: ignore[attr-defined]  # of a DataLoader
    except (AttributeError, TypeError):
        return None


# --- what was recorded before ---


def _recorded_before(own: Path, target: Path, split: str) -> tuple[Path | None, Path | None]:
    """A layer of the same split in another state or seed, and of any split."""
    there = sorted(path for path in own.glob("seed-*/*/*/layer-1.parquet") if path.parent != target)
    return next((path for path in there if path.parent.name == split), None), next(iter(there), None)


def _classes(
    made: Recorder, given: Sequence[str] | None, before: tuple[Path | None, Path | None]
) -> tuple[list[str], NDArray[np.int64] | None]:
    """The names of all classes, and the index of each sample's; none where there are no labels."""
    labels = made.labels
    if labels is None:
        if given is not None:
            raise NetworkError("There are no labels, but class_names were given. Hint: see(labels=y)")
        return [], None
    distinct = [value.item() for value in np.unique(labels)]
    known = None if before[1] is None else list(_metadata(before[1]).class_names)
    names = list(given) if given is not None else known or class_names_of_labels(distinct, made.output_nodes)
    places = {name: place for place, name in enumerate(names)}
    if labels.dtype.kind == "i" and not all(str(value) in places for value in distinct):
        places = {str(place): place for place in range(len(names))}
    unknown = [value for value in distinct if str(value) not in places]
    if unknown:
        where = f"those recorded before in {before[1].parents[3]}" if given is None and before[1] else "class_names"
        raise NetworkError(
            f"The label {unknown[0]} is none of the classes {', '.join(names)} ({where}). Hint: class_names names all classes"
        )
    indices = np.array([places[str(value)] for value in distinct])
    return names, indices[np.searchsorted(np.array(distinct), labels)]


def _check_same_samples(
    made: Recorder, names: Sequence[str], indices: NDArray[np.int64] | None, before: tuple[Path | None, Path | None]
) -> None:
    """The samples of a split are the same in all states and seeds."""
    path = before[0]
    if path is None:
        return
    earlier = pl.read_parquet(path, columns=["sample", "label"]).unique("sample").sort("sample")
    if len(earlier) != made.n_samples:
        raise NetworkError(
            f"{made.n_samples} samples were seen; {path.parent} has {len(earlier)}. Hint: the same samples for each state, or "
            "another folder"
        )
    if indices is None or earlier["label"].null_count():
        return
    own = pl.DataFrame({"sample": made.samples, "label": indices}).sort("sample")
    differ = (own["label"] != earlier["label"].cast(pl.Int64)).arg_true()
    if len(differ):
        row = int(differ[0])
        one, other = names[own["label"][row]], names[earlier["label"][row]]
        raise NetworkError(
            f"Sample {own['sample'][row]} has the label {one} now and {other} in {path.parent}: does the loader shuffle? "
            "Hint: shuffle=False"
        )


def _metadata(path: Path) -> LayerMetadata:
    return LayerMetadata.from_json(pl.read_parquet_metadata(path)["nodescope"])


def _describe(path: Path, network: nn.Module, recorded: Recorded, axes: Axes) -> None:
    """Write what is known of a configuration's networks; see `nodescope.study.descriptions.NetworkDescription`."""
    write_json(
        path,
        {
            "source": "recordings",
            "axes": dict(axes),
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "layers": recorded.rows(),
            "decisions": recorded.decisions,
            "trusted": False,
        },
    )
