"""Files of layers that were recorded elsewhere, read as they are.

A file holds one layer of one net, state and split: a table of samples by nodes, as Parquet, CSV or NumPy's ``.npz``, or a
bare matrix ``.npy``.

============  ========  ==========================================================================================
node columns  yes       every numeric column but those below; its name is the node's name
sample        no        number or text; without it the rows are numbered from 0
label         no        number or text; missing in all rows, or left out: the samples have no classes
position      no        a number: token, pixel, time; then (sample, position) names a row
============  ========  ==========================================================================================

An ``.npz`` has the array ``values`` [rows, nodes], and may have ``sample``, ``label`` and ``position`` [rows] and
``nodes``, the names of the nodes. `nodescope.recording.importing` puts layers together and checks them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.messages.errors import RecordingError
from nodescope.storage.npz import NPZ_ERRORS

RESERVED = ("sample", "label", "position")
#: By what Parquet files may say of themselves, see `nodescope.recording.saving.save_layer`.
METADATA_KEY = "nodescope_layer"
#: The names of columns that are no names: numbers, alone or after a letter, as data frames make them.
NUMBERED = re.compile(r"(?:n|column_)?\d+")


@dataclass(frozen=True)
class ForeignLayer:
    """What a file holds: R rows of J nodes.

    Attributes
    ----------
    path : Path
    values : array [R, J]
        float32. What is missing is NaN.
    samples : Series [R]
        int64 or text.
    labels : Series or None
        int64 or text [R]; None where no row has one.
    positions : Series or None
        int64 [R].
    node_names : tuple of str or None
        None where nodes are only numbered.
    says : mapping
        What the file says of itself: ``name``, ``values``, ``activation``, ``parameters``, as far as it does.
    """

    path: Path
    values: NDArray[np.float32]
    samples: pl.Series
    labels: pl.Series | None
    positions: pl.Series | None
    node_names: tuple[str, ...] | None
    says: Mapping[str, Any] = field(default_factory=dict)


def read_foreign(path: str | Path) -> ForeignLayer:
    """Read a file, whose own contents are checked.

    Raises
    ------
    RecordingError
        If it cannot be read or breaks the contract.
    """
    path = Path(path)
    try:
        read = READERS[path.suffix.lower()]
    except KeyError:
        raise RecordingError(
            f"{path}: files of recordings are {', '.join(READERS)}. Hint: save the layer as Parquet: a row per sample, a "
            "column per node."
        ) from None
    with _readable(path):
        frame, says = read(path)
    return _checked(path, frame, says)


def heads_of(path: str | Path) -> tuple[pl.DataFrame, int, int]:
    """The columns sample, label and position of a file, as far as it has them, and how many rows and nodes it has.

    Raises
    ------
    RecordingError
        If it cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() != ".parquet":
        found = read_foreign(path)
        given = {"sample": found.samples, "label": found.labels, "position": found.positions}
        return pl.DataFrame({name: values for name, values in given.items() if values is not None}), *found.values.shape
    with _readable(path):
        scanned = pl.scan_parquet(path)
        columns = scanned.collect_schema().names()
        names = [name for name in columns if name in RESERVED]
        heads, rows = scanned.select(names).collect(), scanned.select(pl.len()).collect().item()
    named = {name: _named(path, heads, name) for name in names}
    return pl.DataFrame({name: v for name, v in named.items() if v is not None}), rows, len(columns) - len(names)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise RecordingError(f"There is no file {path}.") from None
    except (*NPZ_ERRORS, pl.exceptions.PolarsError) as error:
        raise RecordingError(f"{path} cannot be read ({error}).") from error


def _parquet(path: Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    says = pl.read_parquet_metadata(path).get(METADATA_KEY)
    return pl.read_parquet(path), json.loads(says) if says else {}


def _csv(path: Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    return pl.read_csv(path, infer_schema_length=None), {}


def _npy(path: Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    return _matrix(np.load(path, allow_pickle=False)), {}


def _npz(path: Path) -> tuple[pl.DataFrame, dict[str, Any]]:
    with np.load(path, allow_pickle=False) as arrays:
        if "values" not in arrays:
            raise ValueError(f"it has no array values, but {', '.join(arrays) or 'none'}")
        frame = _matrix(arrays["values"], list(map(str, arrays["nodes"])) if "nodes" in arrays else None)
        heads = [pl.Series(name, arrays[name]) for name in RESERVED if name in arrays]
    return frame.with_columns(heads), {}


READERS = {".parquet": _parquet, ".csv": _csv, ".npy": _npy, ".npz": _npz}


def _matrix(values: NDArray[Any], names: list[str] | None = None) -> pl.DataFrame:
    if values.ndim != 2:
        raise ValueError(f"its shape is {values.shape}; rows are samples, columns are nodes")
    if values.dtype.kind not in "fiub":
        raise ValueError(f"its values are {values.dtype}, no real numbers")
    names = names or [f"n{node}" for node in range(values.shape[1])]
    if len(names) != values.shape[1] or len(set(names)) != len(names):
        raise ValueError(f"it names {len(set(names))} different nodes, but has {values.shape[1]}")
    return pl.DataFrame({name: np.ascontiguousarray(column) for name, column in zip(names, values.T, strict=True)})


def _checked(path: Path, frame: pl.DataFrame, says: Mapping[str, Any]) -> ForeignLayer:
    nodes = [name for name in frame.columns if name not in RESERVED]
    for name in nodes:
        kind = frame.schema[name]
        if not (kind.is_numeric() or kind in (pl.Boolean, pl.Null)):
            what = "text" if kind == pl.String else f"{kind}"
            raise RecordingError(
                f"{path}: column {name} holds {what}. Columns beside {', '.join(RESERVED)} are nodes and hold numbers. "
                "Hint: leave it out."
            )
    if not nodes:
        raise RecordingError(
            f"{path}: there is no numeric column beside {' and '.join(frame.columns) or 'none'}; every node is one."
        )
    if not len(frame):
        raise RecordingError(f"{path}: it has no rows; a row is a sample.")
    samples = _named(path, frame, "sample")
    positions = None
    if "position" in frame.columns:
        if samples is None:
            raise RecordingError(f"{path}: there is a column position, but no column sample that says of which sample.")
        positions = _named(path, frame, "position")
        if positions is not None and positions.dtype != pl.Int64:
            raise RecordingError(f"{path}: positions are whole numbers, not {frame.schema['position']}.")
    samples = pl.Series("sample", range(len(frame)), pl.Int64) if samples is None else samples
    _unique(path, samples, positions)
    values = np.empty((len(frame), len(nodes)), np.float32)
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as of a diverged net
        for node, name in enumerate(nodes):
            values[:, node] = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    names = None if all(NUMBERED.fullmatch(name) for name in nodes) else tuple(nodes)
    return ForeignLayer(path, values, samples, _named(path, frame, "label"), positions, names, says)


def _named(path: Path, frame: pl.DataFrame, name: str) -> pl.Series | None:
    """A column that names rows, as whole numbers or texts; None where there is none, or no row has one."""
    if name not in frame.columns or frame[name].null_count() == len(frame):
        return None
    column = frame[name]
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        hint = " Hint: leave such rows out, or give them a class of their own." if name == "label" else ""
        raise RecordingError(f"{path}: row {row} has no {name}, others have.{hint}")
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return column
    if column.dtype.is_float() and not (column.is_finite() & (column.round() == column)).all():
        row = int((~(column.is_finite() & (column.round() == column))).arg_max() or 0)
        raise RecordingError(f"{path}: {name} of row {row} is {column[row]}, neither a whole number nor a text.")
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise RecordingError(f"{path}: column {name} holds {column.dtype}, neither whole numbers nor texts.")
    return column.cast(pl.Int64)


def _unique(path: Path, samples: pl.Series, positions: pl.Series | None) -> None:
    keys = pl.DataFrame({"sample": samples} if positions is None else {"sample": samples, "position": positions})
    twice = keys.is_duplicated()
    if twice.any():
        first = keys.filter(twice).row(0)
        rows = twice.arg_true().gather(
            keys.filter(twice).select((pl.struct(pl.all()) == pl.struct(pl.all()).first()).arg_true()).to_series()
        )
        what = f"sample {first[0]}" if positions is None else f"(sample {first[0]}, position {first[1]})"
        hint = " Hint: rows of one sample need a column position." if positions is None else ""
        raise RecordingError(f"{path}: {what} stands twice, in rows {rows[0]} and {rows[1]}.{hint}")
