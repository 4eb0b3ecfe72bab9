"""What lines of networks look like: colour by activation function, dashes for batch normalisation, names at their ends."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from nodescope.charts.context import Context
from nodescope.charts.style import ACTIVATIONS, SERIES_COLOURS
from nodescope.study.axes import CONFIGURATION, Axis

#: So many lines have their names at their ends; more have a legend.
MOST_NAMED = 4
#: The height of a name, and the width of a letter, in pixels.
LINE_HEIGHT, LETTER = 13, 6.2
#: Room between a line's end and its name.
GAP = 8

#: The column of how far the names of lines are apart.
APART = "__apart"
#: The filling of a hollow point.
HOLLOW = "transparent"

#: The axes of networks that have a look of their own.
ACTIVATION, BATCH_NORM = "activation", "batch_norm"


@dataclass(frozen=True)
class Series:
    """The lines of a figure, in the order of the study.

    Attributes
    ----------
    names : list of str
        What each is called within its panel.
    colours : list of str
    dashed : list of bool
        Those with batch normalisation, where others have none.
    panels : list of str
        The names of the panels, one for each size of network; one without a name where all are of one size.
    column : str
        The column that names them.
    """

    names: list[str]
    colours: list[str]
    dashed: list[bool]
    panels: list[str]
    column: str = "label"

    @property
    def are_named(self) -> bool:
        """Whether their names stand at the ends of the lines."""
        return len(self.names) <= MOST_NAMED

    @property
    def room(self) -> float:
        """The room that the names at the lines' ends need."""
        return GAP + LETTER * max(map(len, self.names), default=0) if self.are_named and len(self.names) > 1 else 0

    def _legend(self) -> alt.Legend | None:
        if self.are_named:
            return None
        return alt.Legend(title=None, columns=4, labelLimit=260, symbolType="stroke", symbolSize=300)

    def colour(self) -> alt.Color:
        """The encoding of the column ``label`` by colour."""
        return (
            alt.Color(f"{self.column}:N")
            .scale(domain=self.names, range=self.colours)
            .legend(self._legend())
            .title(None)
        )

    def dash(self) -> alt.StrokeDash:
        """The encoding by dashes."""
        dashes = [[5, 3] if dashed else [1, 0] for dashed in self.dashed]
        return (
            alt.StrokeDash(f"{self.column}:N").scale(domain=self.names, range=dashes).legend(self._legend()).title(None)
        )

    def points(self, base: alt.Chart, size: int = 28) -> alt.Chart:
        """Points on the lines, which have their colour; hollow where the line is dashed."""
        fills = [HOLLOW if dashed else colour for colour, dashed in zip(self.colours, self.dashed, strict=True)]
        fill = alt.Fill(f"{self.column}:N").scale(domain=self.names, range=fills).legend(self._legend()).title(None)
        return base.mark_point(size=size, strokeWidth=1.5, opacity=1).encode(fill=fill)

    def in_panels(self, chart: Any, *, columns: int = 3, further: float = 0) -> Any:
        """A panel for each size of network; the chart itself where there is one.

        Parameters
        ----------
        further
            Room that the names at the ends of lines need beside that of the series.
        """
        if len(self.panels) < 2:
            return chart
        return chart.facet(
            facet=alt.Facet("of_size:N").title(None).sort(self.panels),
            columns=columns,
            spacing={"column": self.room + further + 24, "row": 44},
        ).resolve_scale(x="independent")


def series_of(frame: pl.DataFrame, context: Context) -> tuple[pl.DataFrame, Series]:
    """Add ``label`` and ``of_size``, what a configuration and its panel are called; and what its lines look like."""
    found = context.configurations
    present = set(frame[CONFIGURATION].unique())
    shown = [name for name in found.identifiers if name in present]
    panels = _panels(shown, context)
    labels = _labels(shown, context)
    names = list(dict.fromkeys(labels.values()))
    first = {label: identifier for identifier, label in reversed(labels.items())}
    dashed = [_is_normalised(first[name], context) for name in names]
    # What sets all lines apart is no reason for dashes.
    dashed = dashed if len(set(dashed)) > 1 else [False] * len(names)
    colours = _colours([found.keys[first[name]].get(ACTIVATION) for name in names], dashed)
    named = frame.with_columns(
        label=pl.col(CONFIGURATION).replace_strict(labels, return_dtype=pl.String),
        of_size=pl.col(CONFIGURATION).replace_strict(panels, return_dtype=pl.String),
    )
    return named, Series(names, colours, dashed, list(dict.fromkeys(panels.values())))


def _panels(identifiers: Sequence[str], context: Context) -> dict[str, str]:
    """The panel of each configuration: its size in words, as far as sizes differ."""
    found = context.configurations
    varying = [axis for axis in found.axes if axis.is_size and axis.varies]
    if len(varying) == 1:
        (axis,) = varying
        return {name: f"{found.keys[name][axis.name]} {axis.title}" for name in identifiers}
    sizes = found.sizes()
    return {name: sizes[name] if varying else "" for name in identifiers}


def _labels(identifiers: Sequence[str], context: Context) -> dict[str, str]:
    """What each configuration is called within its panel, in as few words as tell them apart."""
    axes = [axis for axis in context.configurations.axes if axis.varies and not axis.is_size]
    keys = context.configurations.keys
    for axis in axes:
        if len(set(axis.values)) >= len(identifiers) > 1 and len(
            {keys[name][axis.name] for name in identifiers}
        ) == len(identifiers):
            return {name: axis.word(keys[name][axis.name]) for name in identifiers}
    named = {name: _words(keys[name], axes) for name in identifiers}
    plain = [axis for axis in context.configurations.axes if not axis.is_size and axis.name == ACTIVATION]
    return {
        name: words or _words(keys[name], plain) or context.configurations.label(name) for name, words in named.items()
    }


def _words(keys: Any, axes: Collection[Axis]) -> str:
    """``relu``, ``relu with BN``: what has no batch normalisation is not said to have none."""
    ordered = sorted(axes, key=lambda axis: axis.rank)
    return " ".join(axis.word(keys[axis.name]) for axis in ordered if axis.name != BATCH_NORM or keys[axis.name])


def _is_normalised(identifier: str, context: Context) -> bool:
    return bool(context.configurations.keys[identifier].get(BATCH_NORM))


def _colours(activations: Sequence[str | None], dashed: Sequence[bool]) -> list[str]:
    """The colour of each line's activation function; where two lines would look alike, of the second another."""
    free = [colour for colour in SERIES_COLOURS if colour not in {ACTIVATIONS.get(str(name)) for name in activations}]
    taken: set[tuple[str, bool]] = set()
    colours: list[str] = []
    at = 0
    for name, is_dashed in zip(activations, dashed, strict=True):
        colour = ACTIVATIONS.get(str(name), "")
        if not colour or (colour, is_dashed) in taken:
            colour, at = free[at % len(free)], at + 1
        taken.add((colour, is_dashed))
        colours.append(colour)
    return colours


def end_names(
    base: alt.Chart,
    series: Series,
    x: str,
    y: str,
    *,
    logarithmic: bool = False,
    within: Sequence[str] = ("of_size",),
    text: str = "label",
) -> alt.Chart:
    """The names of lines at their ends, pushed apart where they would lie over each other.

    Parameters
    ----------
    base
        With the horizontal axis and the colour of the lines; its data are from `with_room_for_names`.
    x, y
        The columns that the lines are drawn from.
    within
        The columns that tell panels apart.
    text
        The column of what is written at a line's end; that of the lines themselves is ``label``.
    """
    value = f"log(datum.{y})" if logarithmic else f"datum.{y}"
    placed = f"datum.__pushed + datum.__rank * datum.{APART}"
    return (
        base.transform_joinaggregate(__last=f"max({x})", groupby=[series.column, *within])
        .transform_filter(f"datum.{x} == datum.__last && isValid(datum.{y})")
        .transform_calculate(__value=value)
        .transform_window(
            __rank="row_number()", groupby=list(within), sort=[alt.SortField("__value", order="ascending")]
        )
        .transform_calculate(__own=f"datum.__value - datum.__rank * datum.{APART}")
        .transform_window(
            __pushed="max(__own)",
            frame=[None, 0],
            groupby=list(within),
            sort=[alt.SortField("__value", order="ascending")],
        )
        .transform_calculate(__place=f"exp({placed})" if logarithmic else placed)
        .mark_text(align="left", dx=GAP, fontSize=11)
        .encode(y="__place:Q", text=f"{text}:N")
    )


def with_room_for_names(
    frame: pl.DataFrame, y: str, height: float, view: Collection[str], *, logarithmic: bool = False, zero: bool = False
) -> pl.DataFrame:
    """Add how far two names have to be apart, in units of an axis of so many pixels that holds what a view shows.

    Parameters
    ----------
    view
        Columns of which one value at a time is shown.
    zero
        Whether the axis has a zero.
    """
    ends = [
        pl.when(pl.col(name) > 0).then(pl.col(name)).log() if logarithmic else pl.col(name)
        for name in {y, "low", "high"} & {*frame.columns}
    ]
    lowest, highest = pl.min_horizontal(ends).min(), pl.max_horizontal(ends).max()
    span = highest - (pl.min_horizontal(lowest, pl.lit(0.0)) if zero else lowest)
    known = [name for name in view if name in frame.columns]
    return frame.with_columns(
        (((span.over(known) if known else span) * LINE_HEIGHT / height).fill_null(0)).alias(APART)
    )
