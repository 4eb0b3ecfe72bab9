"""Follow a training loop: `follow` gives a `Follower`, whose `Follower.step` is called after each step."""

import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import polars as pl
from torch import nn

from nodescope.config.layer_patterns import ACTIVATIONS
from nodescope.following.looking import Look
from nodescope.following.probe import Probe
from nodescope.following.tables import COMPARED, FOLLOWED, MEASURED
from nodescope.messages.errors import NetworkError
from nodescope.networks.unwrapping import unwrapped
from nodescope.recording.batches import MASK, is_other_process
from nodescope.recording.doors import Axes, record
from nodescope.storage.files import atomic_path
from nodescope.training.pattern_states import NetworkState

#: The table of what was seen, in the folder of a seed of a recorded configuration.
FOLLOWED_FILE = "followed.parquet"


def follow(
    model: nn.Module,
    probe: Any,
    *,
    every: int = 10,
    layers: str | Sequence[str] = ACTIVATIONS,
    samples: int | None = 1000,
    positions_per_sample: int | None = None,
    folder: str | Path | None = None,
    record_every: int | None = None,
    seed: int = 0,
    axes: Axes | None = None,
    data: str = "data",
    split: str = "test",
    theta_threshold: float = 0.0,
    hamming_samples: int = 200,
    mask: str = MASK,
    axis: int | None = None,
    first_step: int = 0,
) -> "Follower":
    """Follow a network through its training, which goes on to the last bit as it would without.

    At once, after every n-th step and at the end the same samples run through the network, in evaluation and without
    gradients. Switches and patterns of each layer are counted as they come; no activation is stored.

    Parameters
    ----------
    model
        Any module, on any device; ``torch.compile``, ``DataParallel`` and the like are looked through.
    probe
        The samples: a tensor ``x``, ``(x, y)`` or ``(x, y, mask)``, a dict of keywords, a data set, or a loader. Labels are
        optional. They are read once, and kept where they are.
    every
        Steps from one look to the next.
    layers
        ``activations`` (every activation function), names of modules, or patterns; see `nodescope.config.layer_patterns`.
    samples
        Of a larger probe as many are drawn, by a fixed seed; None for all.
    positions_per_sample
        In layers with positions (pixels, tokens): patterns of as many of each sample are counted, chosen by a seed; by default of
        all. Nodes are judged by all positions anyway.
    folder
        Also record whole states there, as `nodescope.record` does: ``initial``, ``step-N`` and ``trained``.
    record_every
        Steps from one recorded state to the next; by default only the first and the last are.
    seed, axes, data, split
        What the recordings are of, as of `nodescope.record`.
    theta_threshold
        A node is on where its value exceeds this.
    hamming_samples
        The first so many samples are also compared one by one.
    mask
        The key, of batches that are dicts, of what says which positions count.
    axis
        The node axis of tensors with positions; found by default.
    first_step
        Steps that were taken before, of a training that goes on.

    Returns
    -------
    Follower
        Also a context manager. In a process of ``torch.distributed`` other than the first it does nothing.

    Raises
    ------
    NetworkError
        If there is no layer to look at, or the probe is empty, holds NaN or does not fit the network.

    Examples
    --------
    >>> with nodescope.follow(model, (x_test, y_test), every=10) as follow:  # doctest: +SKIP
    ...     for x, y in loader:
    ...         train_step(model, x, y)
    ...         wandb.log(follow.step())
    """
    if every < 1 or (record_every is not None and record_every < 1):
        raise NetworkError(
            f"every and record_every are numbers of steps, at least 1; they are {every} and {record_every}"
        )
    if record_every is not None and folder is None:
        raise NetworkError("record_every has no effect without a folder. Hint: folder='recordings'")
    follower = Follower(every, record_every, first_step)
    if is_other_process():
        return follower
    network = unwrapped(model)
    if any(nn.parameter.is_lazy(tensor) for tensor in (*network.parameters(), *network.buffers())):
        raise NetworkError("The network has lazy parameters, which its first batch sets. Hint: run it once before")
    read = Probe(probe, samples, mask)
    look = Look(
        network, read, layers=layers, axis=axis, threshold=theta_threshold, hamming_samples=hamming_samples,
        positions_per_sample=positions_per_sample,
    )  # fmt: skip
    recording = None
    if folder is not None:
        options = {"seed": seed, "axes": axes, "data": data, "split": split, "layers": layers, "axis": axis}
        recording = _Recording(network, read, Path(folder), options | {"theta_threshold": theta_threshold})
    follower.begin(look, recording)
    return follower


class Follower:
    """Looks at a network while it trains; made by `follow`.

    Attributes
    ----------
    steps : int
        Steps that were taken.
    seen : dict of float
        What was seen at the last look, by ``quantity/layer``; what is null is left out.
    """

    def __init__(self, every: int, record_every: int | None, first_step: int) -> None:
        self.steps = first_step
        self.seen: dict[str, float] = {}
        self._every = every
        self._record_every = record_every
        self._rows: list[dict[str, Any]] = []
        self._look: Look | None = None
        self._recording: _Recording | None = None
        self._initial: NetworkState = []
        self._previous: NetworkState = []

    def begin(self, look: Look, recording: "_Recording | None") -> None:
        """Look for the first time."""
        self._look, self._recording = look, recording
        self.look()
        if recording is not None:
            recording.record(f"step-{self.steps}" if self.steps else "initial")

    def step(self, steps: int | None = None) -> dict[str, float]:
        """Say that a step of training was taken, and look where it is time.

        Parameters
        ----------
        steps
            Steps taken so far, if somebody else counts them; a number that was given before changes nothing.

        Returns
        -------
        dict of float
            What was seen, by ``quantity/layer``; empty where it is not time.
        """
        now = self.steps + 1 if steps is None else steps
        before, self.steps = self.steps, now
        if self._recording is not None and self._record_every is not None and _passed(before, now, self._record_every):
            self._recording.record(f"step-{now}")
        return self.look() if _passed(before, now, self._every) else {}

    def look(self) -> dict[str, float]:
        """Look now, whatever the step; gives what was seen."""
        if self._look is None:
            return {}
        layers = self._look()
        now = [layer.patterns.state() for layer in layers]
        nothing: NetworkState = [None] * len(now)
        references = {"initial": self._initial or now, "previous": self._previous or nothing}
        self.seen = {}
        for index, (layer, state) in enumerate(zip(layers, now, strict=True)):
            row: dict[str, Any] = {
                "step": self.steps,
                "layer": index + 1,
                "layer_name": layer.layer.name,
                **layer.row(),
            }
            if state is not None:
                for name in COMPARED:
                    row |= state.similarities(references[name][index], name)
            self._rows.append(row)
            key = _key(layer.layer.name)
            self.seen |= {f"{name}/{key}": float(row[name]) for name in MEASURED if row.get(name) is not None}
        self._initial, self._previous = references["initial"], now
        return self.seen

    def table(self) -> pl.DataFrame:
        """All that was seen, a row for each look and layer; columns as `nodescope.following.tables.FOLLOWED`."""
        return pl.DataFrame(self._rows, schema=FOLLOWED.schema())

    def write(self, path: str | Path) -> Path:
        """Write the table as Parquet, whole or not at all; gives the path."""
        with atomic_path(path) as temporary:
            self.table().write_parquet(temporary)
        return Path(path)

    def close(self) -> dict[str, float]:
        """Look at the end, record it where states are recorded, and let go of the network; again it changes nothing.

        Returns
        -------
        dict of float
            What was seen; empty if this step had been looked at.
        """
        is_new = self._look is not None and self._rows[-1]["step"] != self.steps
        seen = self.look() if is_new else {}
        if self._recording is not None:
            self._recording.record("trained")
        self.abandon()
        return seen

    def abandon(self) -> None:
        """Let go of the network as after an error: without a last look, but with the table written of a recording."""
        recording, self._recording = self._recording, None
        self._look = None
        self._initial, self._previous = [], []
        if recording is not None and recording.place is not None:
            self.write(recording.place / FOLLOWED_FILE)

    def __enter__(self) -> "Follower":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


class _Recording:
    """Records whole states of a network on a probe."""

    def __init__(self, network: nn.Module, probe: Probe, folder: Path, options: dict[str, Any]) -> None:
        self._network = network
        self._probe = probe
        self._folder = folder
        self._options = options
        #: The folder of the seed, once there is a state.
        self.place: Path | None = None

    def record(self, state: str) -> None:
        """Record the network as it is."""
        batches = self._probe.given(self._network)
        made = record(self._network, batches, self._folder, state=state, **self._options)
        assert made is not None  # of the first process
        self.place = made / f"seed-{self._options['seed']}"


def _passed(before: int, now: int, every: int) -> bool:
    """Whether a multiple has been reached, be it that steps are told of several at a time."""
    return now // every > before // every


def _key(layer_name: str) -> str:
    """A layer's name with the signs that all loggers take: ``forward/relu:1`` becomes ``forward/relu-1``."""
    return re.sub(r"[^\w./-]+", "-", layer_name).strip("-")
