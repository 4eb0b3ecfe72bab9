"""The files of a recorded layer: write and read."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.messages.errors import DamagedFileError
from nodescope.numerics.activation_functions import KINDS, ActivationFunction, Kind, activation_function
from nodescope.recording.values import AllValues, read_values, values_path, write_values
from nodescope.storage.digests import check_digest, digested_path

FORMAT_VERSION = 5

#: The columns of a summary, each an array of one value per node, by the names of `Summary`.
SUMMARY_COLUMNS = {"mean": "mean", "largest": "max", "activation": "a", "on": "on"}
#: Of a column of a summary in one row group, which is encoded at once.
GROUP_BYTES = 64_000_000

SumT = TypeVar("SumT", np.float64, np.uint32)


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
        All classes of the data set, also those without a row in the file; empty where the samples have no classes.
    holds : {'each', 'summary'}
        Every value, or of every sample and node a summary over the positions.
    theta_threshold : float or None
        Of a summary: a position is counted as on where its value exceeds this.
    name : str
        Of the layer in the network; empty where it is not known.
    values : {'pre_activation', 'output'}
        What was recorded. Of outputs the activation function is ``identity``, so that ``z`` and ``T(z)`` are the same.
    parameters : mapping
        Of the activation function, by the names of its arguments: a number, or one per node.
    node_names : tuple of str or None
        None where nodes are only numbered.
    varying_positions : bool
        Whether samples have different numbers of positions, of which ``node_shape`` has the largest.
    """

    dataset: str
    layer: str
    activation: str
    node_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    holds: Literal["each", "summary"] = "each"
    theta_threshold: float | None = None
    name: str = ""
    values: Literal["pre_activation", "output"] = "pre_activation"
    parameters: Mapping[str, float | tuple[float, ...]] = field(default_factory=dict)
    node_names: tuple[str, ...] | None = None
    varying_positions: bool = False
    format_version: int = FORMAT_VERSION

    @property
    def positions(self) -> int:
        """Positions of one sample, at most; 1 of a fully connected layer."""
        return self.node_shape[1] if len(self.node_shape) > 1 else 1

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of values that are known: of a layer whose outputs are recorded ``post`` alone."""
        return KINDS if self.values == "pre_activation" else ("post",)

    @property
    def function(self) -> ActivationFunction:
        """The activation function with its parameters."""
        return activation_function(self.activation, self.parameters)

    @property
    def is_monotone(self) -> bool:
        """Whether a larger ``z`` never gives a smaller ``T(z)``; a learned slope may have fallen below zero."""
        return self.function.monotone

    @property
    def has_parameters_per_node(self) -> bool:
        """Whether the activation function differs between nodes."""
        return any(isinstance(value, tuple) for value in self.parameters.values())

    def activate(self, z: NDArray[np.float32], node: int | None = None) -> NDArray[np.float32]:
        """``T(z)``, a new array.

        Parameters
        ----------
        z
            [J, ...], or values of one node in any shape.
        node
            Which one; needed only where the function differs between nodes.
        """
        if node is None or not self.has_parameters_per_node:
            return self.function.apply(z)
        own = {name: value[node] if isinstance(value, tuple) else value for name, value in self.parameters.items()}
        return activation_function(self.activation, own).apply(z)

    def to_json(self) -> str:
        """What `from_json` reads."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "LayerMetadata":
        """Read back what `write` stored."""
        fields: dict[str, Any] = json.loads(text)
        version = fields.get("format_version")
        if version != FORMAT_VERSION:
            raise ValueError(
                f"its format is version {version}, this nodescope reads {FORMAT_VERSION}; what nodescope.record wrote has to "
                "be recorded again"
            )
        for name in ("node_shape", "class_names", "node_names"):
            fields[name] = fields[name] if fields[name] is None else tuple(fields[name])
        given = fields["parameters"].items()
        fields["parameters"] = {name: tuple(value) if isinstance(value, list) else value for name, value in given}
        return cls(**fields)


@dataclass(frozen=True)
class Summary:
    """What is kept of every sample and node of a layer with positions: arrays [N, J].

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
        Class index (ascending; 0 of all samples that have no classes) and index in the prepared data set.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with _named(self.path):
            check_digest(self.path)
            self.metadata = LayerMetadata.from_json(pl.read_parquet_metadata(self.path)["nodescope"])
            names = ["mean"] if self._is_summary else [f"n{node}" for node in range(self.n_nodes)]
            varies = self.metadata.varying_positions
            counted = ["positions"] if varies and self._is_summary else []
            table = pl.read_parquet(
                self.path, columns=["sample", "label", *counted, *names]
            )  # twice as fast as pyarrow
            samples: NDArray[np.int32] = table["sample"].to_numpy()
            # Where a sample's rows begin; None where a row is a sample.
            self._begins: NDArray[np.intp] | None = None
            self._counts: NDArray[np.uint32] | None = table["positions"].to_numpy() if counted else None
            first = slice(None)
            if not self._is_summary and varies:
                self._begins = np.flatnonzero(np.diff(samples, prepend=-1)) if len(samples) else np.empty(0, np.intp)
                self._counts = np.diff(self._begins, append=len(samples)).astype(np.uint32)
            elif not self._is_summary:
                first = slice(None, None, self.positions)
            self.samples = samples[first if self._begins is None else self._begins]
            labels = table["label"].fill_null(0) if not self.is_labelled else table["label"]
            self.labels: NDArray[np.int32] = labels.to_numpy()[first if self._begins is None else self._begins]
            self._n = _nodes_first(table["mean"]) if self._is_summary else _as_rows(table.select(names))

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
    def is_labelled(self) -> bool:
        """Whether the samples have classes; otherwise they form one."""
        return bool(self.metadata.class_names)

    @property
    def n_classes(self) -> int:
        return max(1, len(self.metadata.class_names))

    def position_counts(self) -> NDArray[np.uint32]:
        """Positions of each sample [N]."""
        return np.full(self.n_samples, self.positions, np.uint32) if self._counts is None else self._counts

    def row_labels(self) -> NDArray[np.int32]:
        """The class of each value of `each`, [N * P], or fewer where samples differ in their positions."""
        return self.labels if self.positions == 1 else np.repeat(self.labels, self.position_counts())

    @cached_property
    def z(self) -> NDArray[np.float32]:
        """Pre-activations [J, N]: of a layer with positions their mean. One node's values are contiguous."""
        if self._is_summary or self.positions == 1:
            return self._n
        return self._means(lambda z, _: z)

    def a(self) -> NDArray[np.float32]:
        """Activations [J, N]: ``T(z)``; of a layer with positions the mean of ``T(z)`` over them. A new array."""
        if self._is_summary:
            return self._column("a")
        if self.positions == 1:
            return self.metadata.activate(self._n)
        return self._means(self.metadata.activate)

    def largest(self) -> NDArray[np.float32]:
        """The largest pre-activation over the positions [J, N]; a new array."""
        if self._is_summary:
            return self._column("max")
        if self._begins is not None:
            return np.maximum.reduceat(self._n, self._begins, axis=1) if self.n_samples else self._n
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
                counts[node] = self._sums(z > theta_threshold, np.uint32)
            return counts
        if self.metadata.theta_threshold != theta_threshold:
            raise DamagedFileError(
                f"In the activation file {self.path} a node counts as on above {self.metadata.theta_threshold}, not "
                f"above the study's theta_threshold, {theta_threshold}. "
                "Hint: delete the activations folder of its configuration; the next run records it again."
            )
        return self._column("on").astype(np.uint32)

    def each(self, kind: Kind = "pre") -> NDArray[np.float32] | None:
        """Every pre-activation or activation [J, N * P], a sample's positions together; None of a summary.

        Where samples differ in their positions there are fewer; `row_labels` has their classes.
        """
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

    def _column(self, name: str) -> NDArray[Any]:
        with _named(self.path):
            return _nodes_first(pl.read_parquet(self.path, columns=[name])[name])

    def _means(self, function: Callable[[NDArray[np.float32], int], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Of a function of every pre-activation and its node, over the positions [J, N]."""
        means = np.empty((self.n_nodes, self.n_samples), np.float32)
        for node, z in enumerate(self._n):
            if self._begins is None:
                means[node] = function(z, node).reshape(-1, self.positions).mean(axis=1, dtype=np.float64)
            else:
                means[node] = self._sums(function(z, node), np.float64) / self.position_counts()
        return means

    def _sums(self, values: NDArray[Any], dtype: type[SumT]) -> NDArray[SumT]:
        """Over the positions of each sample [N], of one node's values."""
        if self._begins is None:
            return values.reshape(-1, self.positions).sum(axis=1, dtype=dtype)
        return np.add.reduceat(values, self._begins, dtype=dtype) if len(values) else np.empty(0, dtype)


def read(path: str | Path) -> LayerActivations:
    """Read one layer back.

    Raises
    ------
    DamagedFileError
        If the file is missing, truncated or not an activation file.
    """
    return LayerActivations(path)


def _as_rows(table: pl.DataFrame) -> NDArray[np.float32]:
    """The columns of a table as the rows of an array."""
    rows = np.empty((table.width, table.height), np.float32)
    for row, column in zip(rows, table.get_columns(), strict=True):
        row[:] = column.to_numpy()
    return rows


def _nodes_first(column: pl.Series) -> NDArray[Any]:
    """A column of arrays, one of each sample, as an array [J, N] with contiguous rows."""
    return np.ascontiguousarray(column.to_numpy().T)


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
    labels: NDArray[np.int32] | None,
    samples: NDArray[np.int32],
    metadata: LayerMetadata,
    *,
    position_counts: NDArray[np.integer] | None = None,
    positions: NDArray[np.int32] | None = None,
) -> None:
    """Write one layer; the samples are sorted by label.

    Dictionary and statistics are off (they enlarge float columns). Pre-activations hardly compress: zstd would save a
    tenth of the disk and take two to four times as long to write and to read. Of a layer that is not summarised there is one
    row group. A summary has columns of arrays, since a column per node takes ten times as long to write.

    Parameters
    ----------
    recorded
        Every pre-activation [J, N * positions] with contiguous rows, a sample's positions together, or a summary. Of a
        layer with positions the former has a column ``position``; beside the latter, its `AllValues` are written.
        Where samples differ in their positions the former has fewer values.
    labels
        Class index of each sample [N]; None where they have no classes.
    samples
        Their index in the data set [N].
    position_counts
        Positions of each sample [N], at least 1; only where they vary.
    positions
        Place of each row within its sample, where they are not all of 0 to P - 1; of rows that are samples themselves, the
        column ``position``.
    """
    if isinstance(recorded, Summary):
        write_values(values_path(path), recorded.values)
        _write_summary(path, recorded, labels, samples, metadata, position_counts)
        return
    import pyarrow as pa  # late: what reads needs it not
    import pyarrow.parquet as pq

    heads: dict[str, Any] = {"sample": samples, "label": labels}
    if len(metadata.node_shape) > 1:
        counts = metadata.positions if position_counts is None else position_counts
        heads = {name: values if values is None else np.repeat(values, counts) for name, values in heads.items()}
        if positions is None and position_counts is None:
            positions = np.tile(np.arange(metadata.positions, dtype=np.int32), len(samples))
    if positions is not None:
        heads["position"] = positions
    if labels is None:
        heads["label"] = pa.nulls(len(heads["sample"]), pa.int32())
    columns = heads | {f"n{j}": row for j, row in enumerate(recorded)}
    table = pa.Table.from_arrays([pa.array(column) for column in columns.values()], names=list(columns))
    table = table.replace_schema_metadata({"nodescope": metadata.to_json()})
    with digested_path(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=max(1, table.num_rows),
            compression="lz4",
            use_dictionary=False,
            write_statistics=False,
        )


def _write_summary(
    path: str | Path,
    recorded: Summary,
    labels: NDArray[np.int32] | None,
    samples: NDArray[np.int32],
    metadata: LayerMetadata,
    position_counts: NDArray[np.integer] | None,
) -> None:
    """A row per sample, and a column of arrays per kind of value; the arrays are not copied."""
    n_samples, nodes = len(samples), metadata.node_shape[0]
    no_labels = pl.Series("label", [None] * n_samples, pl.Int32)
    columns = [pl.Series("sample", samples), no_labels if labels is None else pl.Series("label", labels)]
    if position_counts is not None:
        columns.append(pl.Series("positions", position_counts.astype(np.uint32)))
    for name, column in SUMMARY_COLUMNS.items():
        values = pl.Series(column, getattr(recorded, name).reshape(-1))
        columns.append(values.reshape((n_samples, nodes)))
    with digested_path(path) as temporary:
        pl.DataFrame(columns).write_parquet(
            temporary,
            compression="lz4",
            statistics=False,
            row_group_size=max(1, GROUP_BYTES // (4 * nodes)),
            metadata={"nodescope": metadata.to_json()},
        )
