"""The files of a recorded layer: write and read."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.messages.errors import DamagedFileError
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS, Kind, prelu
from nodescope.recording.values import AllValues, read_values, values_path, write_values
from nodescope.storage.digests import check_digest, digested_path

FORMAT_VERSION = 3

#: The groups of columns that a summary has, each with a column per node, by the names of `Summary`.
SUMMARY_GROUPS = {"mean": "n", "largest": "max", "activation": "a", "on": "on"}

NumberT = TypeVar("NumberT", np.float32, np.uint32)


@dataclass(frozen=True)
class LayerMetadata:
    """What a file says of itself.

    Attributes
    ----------
    dataset : str
        Name of the prepared data set.
    layer : str
        ``layer-1`` ... or ``output``.
    activation : str
        Name of the activation function; ``identity`` for the output layer.
    node_shape : tuple of int
        The pre-activations of one sample: (J,), or (J, positions) of a convolution.
    class_names : tuple of str
        All classes of the data set, also those without a row in the file.
    slope : float or None
        The learned slope of ``prelu`` in this layer; None for other functions.
    holds : {'each', 'summary'}
        Every pre-activation, or of every sample and node a summary over the positions.
    theta_threshold : float or None
        Of a summary: a position is counted as on where its pre-activation exceeds this.
    """

    dataset: str
    layer: str
    activation: str
    node_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    slope: float | None = None
    holds: Literal["each", "summary"] = "each"
    theta_threshold: float | None = None
    format_version: int = FORMAT_VERSION

    @property
    def positions(self) -> int:
        """Positions of one sample; 1 of a fully connected layer."""
        return self.node_shape[1] if len(self.node_shape) > 1 else 1

    @property
    def is_monotone(self) -> bool:
        """Whether a larger ``z`` never gives a smaller ``T(z)``; a learned slope may have fallen below zero."""
        return ACTIVATION_FUNCTIONS[self.activation].monotone and (self.slope is None or self.slope >= 0)

    def activate(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """``T(z)``; a new array."""
        if self.slope is not None:
            return prelu(z, self.slope)
        return ACTIVATION_FUNCTIONS[self.activation].apply(z)

    @classmethod
    def from_json(cls, text: str | bytes) -> "LayerMetadata":
        """Read back what `write` stored."""
        fields: dict[str, Any] = json.loads(text)
        version = fields.get("format_version")
        if version != FORMAT_VERSION:
            raise ValueError(f"its format is version {version}, this nodescope reads {FORMAT_VERSION}")
        fields["node_shape"] = tuple(fields["node_shape"])
        fields["class_names"] = tuple(fields["class_names"])
        return cls(**fields)


@dataclass(frozen=True)
class Summary:
    """What is kept of every sample and node of a layer with positions: arrays [J, N].

    Attributes
    ----------
    mean, largest : float32 arrays
        Of the pre-activations ``z`` over the positions.
    activation : float32 array
        The mean of ``T(z)`` over the positions (not ``T`` of the mean).
    on : array of an unsigned type
        Positions that are on.
    values : dict of AllValues
        Of the kinds ``pre`` and ``post``: all values of the layer as one list.
    """

    mean: NDArray[np.float32]
    largest: NDArray[np.float32]
    activation: NDArray[np.float32]
    on: NDArray[np.unsignedinteger]
    values: dict[Kind, AllValues]


class LayerActivations:
    """One recorded layer of one net: J nodes, N samples, P positions. Of a summary, a group is read when asked for.

    Attributes
    ----------
    path : Path
        The file.
    metadata : LayerMetadata
    labels, samples : int32 array [N]
        Class index (ascending) and index in the prepared data set.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with _named(self.path):
            check_digest(self.path)
            self.metadata = LayerMetadata.from_json(pl.read_parquet_metadata(self.path)["nodescope"])
            names = [f"n{node}" for node in range(self.n_nodes)]
            table = pl.read_parquet(self.path, columns=["sample", "label", *names])  # twice as fast as pyarrow
            rows_of_a_sample = 1 if self._is_summary else self.positions
            self.samples: NDArray[np.int32] = table["sample"].to_numpy()[::rows_of_a_sample]
            self.labels: NDArray[np.int32] = table["label"].to_numpy()[::rows_of_a_sample]
            self._n = _as_rows(table.select(names), np.float32)

    @property
    def _is_summary(self) -> bool:
        return self.metadata.holds == "summary"

    @property
    def n_nodes(self) -> int:
        return self.metadata.node_shape[0]

    @property
    def n_samples(self) -> int:
        return len(self.labels)

    @property
    def positions(self) -> int:
        return self.metadata.positions

    @property
    def n_classes(self) -> int:
        return len(self.metadata.class_names)

    @cached_property
    def z(self) -> NDArray[np.float32]:
        """Pre-activations [J, N]: of a layer with positions their mean. One node's values are contiguous."""
        if self._is_summary or self.positions == 1:
            return self._n
        return self._means(lambda z: z)

    def a(self) -> NDArray[np.float32]:
        """Activations [J, N]: ``T(z)``; of a layer with positions the mean of ``T(z)`` over them. A new array."""
        if self._is_summary:
            return self._group("a", np.float32)
        if self.positions == 1:
            return self.metadata.activate(self._n)
        return self._means(self.metadata.activate)

    def largest(self) -> NDArray[np.float32]:
        """The largest pre-activation over the positions [J, N]; a new array."""
        if self._is_summary:
            return self._group("max", np.float32)
        return self._n.reshape(self.n_nodes, self.n_samples, self.positions).max(axis=2)

    def on_counts(self, theta_threshold: float) -> NDArray[np.uint32]:
        """Positions at which each node is on for each sample [J, N]; of a fully connected layer 0 or 1. A new array.

        Raises
        ------
        DamagedFileError
            If they were counted at another threshold.
        """
        if not self._is_summary:
            counts = np.empty((self.n_nodes, self.n_samples), np.uint32)
            for node, z in enumerate(self._n):  # row by row, in a core's cache
                counts[node] = (z > theta_threshold).reshape(-1, self.positions).sum(axis=1, dtype=np.uint32)
            return counts
        if self.metadata.theta_threshold != theta_threshold:
            raise DamagedFileError(
                f"In the activation file {self.path} a node counts as on above {self.metadata.theta_threshold}, not "
                f"above the study's theta_threshold, {theta_threshold}. "
                "Hint: delete the activations folder of its configuration; the next run records it again."
            )
        return self._group("on", np.uint32)

    def each(self, kind: Kind = "pre") -> NDArray[np.float32] | None:
        """Every pre-activation or activation [J, N * P], a sample's positions together; None of a summary."""
        if self._is_summary:
            return None
        return self._n if kind == "pre" else self.metadata.activate(self._n)

    @cached_property
    def values(self) -> dict[Kind, AllValues]:
        """Of a summary: all values of the layer as one list, by kind."""
        path = values_path(self.path)
        with _named(path):
            return read_values(path)

    def class_slices(self) -> list[slice]:
        """For each class the range of its samples; empty where the class is absent."""
        bounds = np.searchsorted(self.labels, np.arange(self.n_classes + 1))
        return [slice(int(a), int(b)) for a, b in pairwise(bounds)]

    def class_counts(self) -> NDArray[np.int64]:
        """Number of samples of each class [C]."""
        return np.bincount(self.labels, minlength=self.n_classes)

    def finite_nodes(self) -> NDArray[np.bool_]:
        """Nodes [J] whose values are all finite; a diverged net has others."""
        return np.array([np.isfinite(z_N).all() for z_N in self.z], np.bool_)  # row by row, in a core's cache

    def _group(self, group: str, dtype: type[NumberT]) -> NDArray[NumberT]:
        with _named(self.path):
            return _as_rows(pl.read_parquet(self.path, columns=[f"{group}{j}" for j in range(self.n_nodes)]), dtype)

    def _means(self, function: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Of a function of every pre-activation, over the positions [J, N]."""
        means = np.empty((self.n_nodes, self.n_samples), np.float32)
        for node, z in enumerate(self._n):
            means[node] = function(z).reshape(-1, self.positions).mean(axis=1, dtype=np.float64)
        return means


def read(path: str | Path) -> LayerActivations:
    """Read one layer back.

    Raises
    ------
    DamagedFileError
        If the file is missing, truncated or not an activation file.
    """
    return LayerActivations(path)


def _as_rows(table: pl.DataFrame, dtype: type[NumberT]) -> NDArray[NumberT]:
    """The columns of a table as the rows of an array."""
    rows = np.empty((table.width, table.height), dtype)
    for row, column in zip(rows, table.get_columns(), strict=True):
        row[:] = column.to_numpy()
    return rows


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say of an error in reading which file cannot be read."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(
            f"The activation file {path} cannot be read ({error}). "
            "Hint: delete the activations folder of its configuration; the next run records it again."
        ) from error


def write(
    path: str | Path,
    recorded: NDArray[np.float32] | Summary,
    labels: NDArray[np.int32],
    samples: NDArray[np.int32],
    metadata: LayerMetadata,
) -> None:
    """Write one layer; the samples are sorted by label.

    Dictionary and statistics are off (they enlarge float columns), and there is one row group. Pre-activations
    hardly compress: zstd would save a tenth of the disk and take two to four times as long to write and to read.

    Parameters
    ----------
    recorded
        Every pre-activation [J, N * positions] with contiguous rows, a sample's positions together, or a summary. Of a
        layer with positions the former has a column ``position``; beside the latter, its `AllValues` are written.
    """
    import pyarrow as pa  # late: what reads needs it not
    import pyarrow.parquet as pq

    heads = {"sample": samples, "label": labels}
    if isinstance(recorded, Summary):
        groups = {prefix: getattr(recorded, name) for name, prefix in SUMMARY_GROUPS.items()}
        write_values(values_path(path), recorded.values)
    else:
        groups = {"n": recorded}
        if len(metadata.node_shape) > 1:
            heads = {name: np.repeat(values, metadata.positions) for name, values in heads.items()}
            heads["position"] = np.tile(np.arange(metadata.positions, dtype=np.int32), len(samples))
    columns = heads | {f"{prefix}{j}": row for prefix, rows in groups.items() for j, row in enumerate(rows)}
    table = pa.Table.from_arrays([pa.array(column) for column in columns.values()], names=list(columns))
    table = table.replace_schema_metadata({"nodescope": json.dumps(dataclasses.asdict(metadata))})
    with digested_path(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=max(1, table.num_rows),
            compression="lz4",
            use_dictionary=False,
            write_statistics=False,
        )
