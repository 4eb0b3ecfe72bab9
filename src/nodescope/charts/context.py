"""What the charts share: figures and their texts, names for readers, colours, order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from nodescope.config.schema import Charts, Grid
from nodescope.grid import BASE_AXES
from nodescope.words import describe as describe

#: Colours that mean the same in every figure (Paul Tol's bright scheme, safe for colour-blind readers).
ACTIVATION_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#ee7733", "#332288")
SYSTEMS = {"discrete": "#4477aa", "continuous": "#ee6677", "combined": "#228833"}
DEAD_COLOUR = "#cc0000"


@dataclass(frozen=True)
class Figure:
    """One figure with its words.

    Attributes
    ----------
    name : str
        Its file name, unique among the figures of a study.
    title : str
    caption : str
        What is shown, and what to read from it.
    reference : str
        The figure or table of the published work that it corresponds to.
    chart : altair chart or None
    table : DataFrame or None
        For a figure that is a table.
    work : str
        The published work that ``reference`` points into, as it is cited.
    """

    name: str
    title: str
    caption: str
    reference: str
    chart: alt.TopLevelMixin | None = None
    table: pl.DataFrame | None = None
    work: str = "Pretorius 2020"


@dataclass(frozen=True)
class Context:
    """What a chart knows beside its tables."""

    options: Charts
    class_names: list[str]
    states: list[str]

    def class_scale(self) -> alt.Scale:
        """The colour of each class, the same in every figure."""
        colours = self.options.class_colours
        return alt.Scale(
            domain=self.class_names, range=[colours[i % len(colours)] for i in range(len(self.class_names))]
        )

    def with_class_names(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Replace class indices by names."""
        names = pl.DataFrame({"class": range(len(self.class_names)), "class_name": self.class_names})
        return frame.join(
            names.with_columns(pl.col("class").cast(frame["class"].dtype)), on="class", maintain_order="left"
        )


def batch_norm_label(column: str = "batch_norm") -> pl.Expr:
    """``with BN`` or ``without BN``."""
    return pl.when(pl.col(column)).then(pl.lit("with BN")).otherwise(pl.lit("without BN"))


def batch_norm_row() -> alt.Row:
    """Rows of panels without and with batch normalisation, from the column that `batch_norm_label` names ``norm``."""
    return alt.Row("norm:N").title(None).sort(["without BN", "with BN"])


def variant_label(frame: pl.DataFrame) -> pl.Expr:
    """What a network is called where depth and width are known: activation function, and further axes."""
    parts = [pl.col("activation"), *(pl.col(name).cast(pl.String) for name in extra_axes(frame))]
    return pl.concat_str(parts, separator=", ")


def error_band() -> dict[str, pl.Expr]:
    """Columns ``low`` and ``high``: the mean less and plus one standard error, where there is one."""
    error = pl.col("standard_error").fill_null(0)
    return {"low": pl.col("mean") - error, "high": pl.col("mean") + error}


def variant_scale(variants: list[str]) -> alt.Scale:
    """A colour for each variant, in their order."""
    return alt.Scale(
        domain=variants, range=[ACTIVATION_COLOURS[i % len(ACTIVATION_COLOURS)] for i in range(len(variants))]
    )


def preferred_split(frame: pl.DataFrame) -> str:
    """The training split where the frame has it, as the published figures; otherwise its first."""
    splits = frame["split"].unique(maintain_order=True).to_list()
    return "train" if "train" in splits else str(splits[0])


def extra_axes(frame: pl.DataFrame) -> list[str]:
    """Grid axes of the frame beyond those that every study has."""
    return [name for name in Grid.model_fields if name in frame.columns and name not in BASE_AXES]


def groups(frame: pl.DataFrame, *columns: str) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """The parts of a frame with equal values in the columns, in order of first appearance."""
    for key, part in frame.group_by(list(columns), maintain_order=True):
        yield dict(zip(columns, key, strict=True)), part


def network_columns(frame: pl.DataFrame) -> list[str]:
    """The columns that name a configuration."""
    return ["depth", "width", "activation", "batch_norm", *extra_axes(frame)]


def slug(keys: dict[str, Any]) -> str:
    """A file name for a part of a frame: ``relu-4x200-bn``."""
    text = describe(keys).replace("without BN", "").replace("with BN", "bn").replace("_", "")
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")


def state_label(state: str) -> str:
    """``untrained``, ``after epoch 5``, ``trained``."""
    if state == "initial":
        return "untrained"
    return f"after epoch {state.removeprefix('epoch-')}" if state.startswith("epoch-") else state


def percent(share: float | None) -> str:
    """A share as a reader wants it."""
    return "unknown" if share is None else f"{100 * share:.1f} %"


def rounded(frame: pl.DataFrame, digits: int = 4) -> pl.DataFrame:
    """Fewer digits in a chart's data: no reader sees more, and the page stays light."""
    return frame.with_columns(pl.selectors.float().round_sig_figs(digits))
