"""What a column of a table is: its type, its meaning, and the quantity that it holds. Imports nothing heavy.

A table is declared once, beside the code that writes it. From the declaration follow the types of its file, its place in
``docs/tables.md``, and how charts and page show its numbers: nobody guesses a percent sign from a name or a format.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

Type = Literal[
    "string", "boolean", "int32", "int64", "float32", "float64", "list[uint32]", "list[float32]", "list[string]"
]


@dataclass(frozen=True)
class Quantity:
    """What the numbers of a column are, and how they are shown.

    Attributes
    ----------
    title : str
        What they are called on an axis.
    unit : str
        In which they are shown: ``%``, ``points`` (of a percentage), ``bits``, ...; empty for a plain number.
    range : (float or None, float or None)
        The least and the largest value that is possible, as stored.
    format : str
        How many digits are shown, as D3 writes it: ``.1f``, ``.4g``; ``d`` for whole numbers.
    scale : float
        How many of the unit one is: 100 for a fraction that is shown in percent.
    coordinate : bool
        Whether it says where in a training something was measured (an epoch), and so names a row, as a layer does.
    """

    title: str
    unit: str = ""
    range: tuple[float | None, float | None] = (None, None)
    format: str = ".4g"
    scale: float = 1.0
    coordinate: bool = False

    @property
    def axis_title(self) -> str:
        """The title with the unit; that of percentages stands beside every number."""
        return f"{self.title} ({self.unit})" if self.unit not in ("", "%") else self.title

    def text(self, value: float | None) -> str:
        """A value for readers.

        >>> share("dead nodes").text(0.125)
        '12.5 %'
        >>> Quantity("entropy", "bits").text(3.0)
        '3 bits'
        """
        if value is None:
            return "missing"
        if value < 0 and float(format(value * self.scale, self.format.replace("d", ".0f"))) == 0:
            value = 0.0  # which is not said with a minus
        number = f"{round(value * self.scale):,d}" if self.format == "d" else format(value * self.scale, self.format)
        return f"{number} {self.unit}".rstrip()


def share(title: str) -> Quantity:
    """A fraction of a whole, shown in percent."""
    return Quantity(title, "%", (0.0, 1.0), ".1f", 100.0)


def points(title: str) -> Quantity:
    """A difference of two fractions, shown in percentage points."""
    return Quantity(title, "points", (-1.0, 1.0), "+.2f", 100.0)


def of_means(quantity: Quantity) -> dict[str, Quantity]:
    """A mean over seeds with its errors, by the names of their columns."""
    error = replace(quantity, title="standard error", range=(0.0, None))
    return {"mean": quantity, "standard_error": error, "interval_low": quantity, "interval_high": quantity}


def number_of(title: str) -> Quantity:
    """How many there are."""
    return Quantity(title, "", (0.0, None), "d")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
    type : str
        See `polars_type`.
    meaning : str
        In half a sentence, with what a null says.
    quantity : Quantity or None
        None for what names a row: a layer, a class, a split.
    """

    name: str
    type: Type
    meaning: str
    quantity: Quantity | None = None


@dataclass(frozen=True)
class Table:
    """A table of a study, whose rows begin with the key columns.

    Attributes
    ----------
    name : str
        Of its files: ``tables/NAME.parquet``, ``tables/NAME.csv``.
    meaning : str
        What a row is.
    columns : tuple of Column
        Those after the key columns.
    keys : {'network', 'configuration', 'none'}
        Which key columns come first: those of a configuration with the seed, without it, or none.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    keys: Literal["network", "configuration", "none"] = "network"

    @property
    def quantities(self) -> dict[str, Quantity]:
        """The quantity of every column that has one."""
        return {column.name: column.quantity for column in self.columns if column.quantity is not None}

    def schema(self) -> dict[str, Any]:
        """Names and polars types of the columns after the key columns."""
        return schema_of(self.columns)


def polars_type(name: Type) -> "pl.DataType | type[pl.DataType]":
    """The polars type of a declared one."""
    import polars as pl

    types: dict[str, Any] = {
        "string": pl.String,
        "boolean": pl.Boolean,
        "int32": pl.Int32,
        "int64": pl.Int64,
        "float32": pl.Float32,
        "float64": pl.Float64,
        "list[uint32]": pl.List(pl.UInt32),
        "list[float32]": pl.List(pl.Float32),
        "list[string]": pl.List(pl.String),
    }
    found: pl.DataType | type[pl.DataType] = types[name]
    return found


def schema_of(columns: Iterable[Column]) -> dict[str, Any]:
    """Names and polars types."""
    return {column.name: polars_type(column.type) for column in columns}


def frame_of(columns: Iterable[Column], parts: Iterable[Mapping[str, Any]]) -> "pl.DataFrame":
    """A table from parts that hold columns by name: arrays of one length, and single values that stand for all rows.

    Parameters
    ----------
    columns
        All that the table has, in order.
    parts
        One after another; what a part leaves out is null. A part of single values is a row.

    Returns
    -------
    DataFrame
        With the declared types. Numbers that are not finite are null.

    Raises
    ------
    ValueError
        If a part has a column that is not declared.
    """
    import polars as pl

    schema = schema_of(tuple(columns))
    pieces: dict[str, list[Any]] = {name: [] for name in schema}
    rows: list[int] = []
    for part in parts:
        if unknown := part.keys() - schema.keys():
            raise ValueError(f"columns that the table does not declare: {', '.join(sorted(unknown))}")
        arrays = {name: _series(values, schema[name]) for name, values in part.items() if _is_array(values)}
        lengths = {len(array) for array in arrays.values()} or {1}
        if len(lengths) > 1:
            raise ValueError(f"columns of a part differ in length: {', '.join(arrays)}")
        rows += lengths
        for name, of_column in pieces.items():
            of_column.append(arrays.get(name, part.get(name)))
    return pl.DataFrame([_finite(_column(pieces[name], rows, dtype).alias(name)) for name, dtype in schema.items()])


def _is_array(values: Any) -> bool:
    return hasattr(values, "__len__") and not isinstance(values, str)


def _column(pieces: list[Any], rows: list[int], dtype: Any) -> "pl.Series":
    """A column from that of each part: a series, or a value that stands for so many rows.

    Single values of all parts make one series, which is far quicker than one of each.
    """
    import numpy as np
    import polars as pl

    if not any(isinstance(piece, pl.Series) for piece in pieces):
        column = pl.Series([piece.item() if isinstance(piece, np.generic) else piece for piece in pieces], dtype=dtype)
        return column if set(rows) <= {1} else column.gather(np.repeat(np.arange(len(rows)), rows))
    return pl.concat(
        [
            piece if isinstance(piece, pl.Series) else pl.Series([piece], dtype=dtype).new_from_index(0, number)
            for piece, number in zip(pieces, rows, strict=True)
        ]
    )


def _series(values: Any, dtype: Any) -> "pl.Series":
    """A column; the rows that a masked array masks are null."""
    import numpy as np
    import polars as pl

    column = pl.Series(np.ma.getdata(values) if np.ma.isMaskedArray(values) else values)
    if column.dtype != dtype:
        column = column.cast(dtype)
    if np.ma.isMaskedArray(values):
        column = _null_where(column, np.ma.getmaskarray(values).reshape(len(values), -1).all(axis=1))
    return column


def _finite(column: "pl.Series") -> "pl.Series":
    """With null in place of numbers that are not finite."""
    import numpy as np

    if not column.dtype.is_float():
        return column
    finite = np.isfinite(column.to_numpy())  # null is NaN there
    return column if np.count_nonzero(finite) == len(column) - column.null_count() else _null_where(column, ~finite)


def _null_where(column: "pl.Series", is_null: Any) -> "pl.Series":
    """Without an expression: a table is made of many small parts, and planning takes polars longer than the work."""
    import polars as pl

    if not is_null.any():
        return column
    nulls = pl.Series([None], dtype=column.dtype).new_from_index(0, len(column))
    return column.zip_with(pl.Series(~is_null), nulls).alias(column.name)


def nodes_by_classes(nodes: int, classes: int) -> dict[str, Any]:
    """Columns ``node`` and ``class`` for an array [J, C] that is laid out row by row."""
    import numpy as np

    return {
        "node": np.repeat(np.arange(nodes, dtype=np.int32), classes),
        "class": np.tile(np.arange(classes, dtype=np.int32), nodes),
    }


# --- columns that many tables have ---

STATE = Column("state", "string", "of the network: initial, epoch-10, step-100, trained")
SPLIT = Column("split", "string", "samples that were measured: train, validation, test or random")
LAYER = Column("layer", "int32", "hidden layer, from 1")
NODE = Column("node", "int32", "node of the layer, from 0")
CLASS = Column("class", "int32", "index of the class, see the table classes")
KIND = Column(
    "kind",
    "string",
    "pre for pre-activations z, post for activations T(z); of layers whose outputs are recorded only post",
)
NODES = Column("nodes", "int32", "nodes of the layer", number_of("nodes"))
OBJECTIVE = Column("objective", "string", "loss that the network was trained with")
LEARNING_RATE = Column(
    "learning_rate", "float64", "of the replica", Quantity("learning rate", range=(0.0, None), coordinate=True)
)
BEST_EPOCH = Column(
    "best_epoch", "int32", "epoch whose parameters are kept; null where none was finite", number_of("best epoch")
)

VALUE = Quantity("value")
#: What `nodescope.numerics.moments.Moments.columns` gives.
MOMENTS = (
    Column("mean", "float64", "of the values", Quantity("mean")),
    Column(
        "std", "float64", "standard deviation (with n, not n - 1)", Quantity("standard deviation", range=(0.0, None))
    ),
    Column("skew", "float64", "null where all values are the same", Quantity("skew")),
    Column(
        "kurtosis", "float64", "0 for a normal distribution; null where all values are the same", Quantity("kurtosis")
    ),
    Column("minimum", "float64", "smallest value", Quantity("minimum")),
    Column("maximum", "float64", "largest value", Quantity("maximum")),
)
ZERO_SHARE = Column("zero_share", "float64", "share of the values that are exactly zero", share("zeros"))
#: What `nodescope.numerics.moments.histogram` gives.
HISTOGRAM = (
    Column("bin_left", "float64", "left end of the bin, which it holds", VALUE),
    Column("bin_right", "float64", "right end of the bin", VALUE),
    Column("count", "int64", "values in the bin", number_of("values")),
)
#: Where a linear map of a network stands.
LINEAR_LAYER = Column("layer", "int32", "hidden layer that the linear map leads to, from 1; one more for the output")
LINEAR_NAME = Column("name", "string", "of the linear map in the network")
PARAMETER = Column("parameter", "string", "weight or bias")

#: What `nodescope.numerics.pattern_counting.describe` gives.
DESCRIBED_PATTERNS = (
    Column(
        "distinct", "int32", "distinct patterns, K; null where a value is not finite", number_of("distinct patterns")
    ),
    Column("singletons", "int32", "patterns that occur once", number_of("patterns seen once")),
    Column("entropy_bits", "float64", "entropy of the patterns", Quantity("entropy", "bits", (0.0, None))),
    Column("relative_entropy", "float64", "entropy by the largest that is possible", share("relative entropy")),
    Column(
        "entropy_miller_madow",
        "float64",
        "entropy with Miller and Madow's correction for few samples",
        Quantity("corrected entropy", "bits", (0.0, None)),
    ),
    Column(
        "entropy_given_class_bits",
        "float64",
        "entropy given the class; null where samples have no classes",
        Quantity("entropy given the class", "bits", (0.0, None)),
    ),
    Column(
        "class_information_bits",
        "float64",
        "mutual information of pattern and class; null where samples have no classes",
        Quantity("information on the class", "bits", (0.0, None)),
    ),
    Column("mode_share", "float64", "share of the most frequent pattern", share("most frequent pattern")),
)
#: A value with what other seeds may give.
MEAN_OVER_SEEDS = (
    Column(
        "standard_error",
        "float64",
        "of the mean over the seeds; null for one seed",
        Quantity("standard error", range=(0.0, None)),
    ),
    Column("seeds", "int32", "seeds that have a value", number_of("seeds")),
)
