"""What a chart gives: figures, each with its words."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import altair as alt
import polars as pl

from nodescope.charts.style import DEAD_COLOUR
from nodescope.storage.columns import Quantity


@dataclass(frozen=True)
class Figure:
    """One figure with its words.

    It holds more than it shows at first: the page filters its rows by their columns. ``configuration``, the axes of the
    study and ``class_name`` obey the page's filters wherever a figure's data have them.

    Attributes
    ----------
    name : str
        Its file name, unique among the figures of a study.
    title : str
    caption : str
        What is shown, and what to read from it: two sentences, 35 words.
    chart : altair chart or None
    table : DataFrame or None
        For a figure that is a table.
    nodes : NodePanels or None
        For a figure with one value per node and class.
    atlas : Atlas or None
        What the page shows instead of such a figure: a map of all nodes, where each can be looked into.
    view : dict
        Columns of which one value at a time is shown, with the value shown at first and in static files: ``state``,
        ``split`` and ``seed`` follow the page's controls; any other column gets a choice of its own above the figure.
    per_configuration : bool
        Whether the data have a column ``network`` (see `nodescope.charts.context.Context.with_network`) beside
        ``configuration``: the page shows the configurations that are pinned, side by side; each has a static file of its own.
    quantity : str
        The column with the figure's main number, which its text alternative names.
    quantities : dict
        What the columns of its data hold, as far as they are not columns of its tables, which are declared there; the
        page shows their numbers by it.
    quantity_by : str
        The column of ``view`` whose value names the quantity that the main number is of; empty where it is always the same.
    shown_in : ShownIn or None
        Where the page shows the same in another figure: this one is a static file only.
    about : str
        How it is computed and where its limits lie: more than its caption, for those who ask.
    subtitle : str
        What its numbers are, where that is not its main quantity.
    interval : str
        What the columns ``low`` and ``high`` are the ends of.
    span : int
        How many of the page's twelve columns it takes, where there is room for all.
    collapsed : bool
        Whether the page draws it only when it is asked for: a large figure for a special question.
    """

    name: str
    title: str
    caption: str
    chart: alt.TopLevelMixin | None = None
    table: pl.DataFrame | None = None
    nodes: "NodePanels | None" = None
    atlas: "Atlas | None" = None
    view: dict[str, str] = field(default_factory=dict)
    per_configuration: bool = False
    quantity: str = "mean"
    quantities: dict[str, Quantity] = field(default_factory=dict)
    quantity_by: str = ""
    shown_in: "ShownIn | None" = None
    about: str = ""
    subtitle: str = ""
    interval: str = "95 % interval"
    span: int = 12
    collapsed: bool = False


@dataclass(frozen=True)
class ShownIn:
    """The figure of the page that shows what a static figure shows, and what to choose there."""

    figure: str
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Atlas:
    """A map of all nodes of a network, and what the page says of each.

    Attributes
    ----------
    tables : mapping of str to LazyFrame
        The collected tables that map and node card show, as far as the study has them.
    """

    tables: Mapping[str, pl.LazyFrame]


@dataclass(frozen=True)
class NodePanels:
    """A figure whose horizontal axis runs over all nodes of a network, with one value for each class.

    Attributes
    ----------
    source : str
        Name of the data; figures that show the same data give the same.
    frame : LazyFrame
        With configuration, seed, state, split, layer, node, class and the value.
    value : str
        Its column.
    mark : str
        ``points``: height is the value, colour the class. ``matrix``: a row per class, the value as shade; nodes
        that are 0 for every class in the colour ``dead``.
    title : str
        What the value is, for axis and read-out.
    static_states : tuple of str
        The states that get a static file.
    domain : (float, float) or None
        Of the value; None for that of the data.
    place : str
        The column with the place of a node within its layer.
    dead : str
        The colour of dead nodes in a matrix.
    """

    source: str
    frame: pl.LazyFrame
    value: str
    mark: str
    title: str
    static_states: tuple[str, ...]
    domain: tuple[float, float] | None = None
    place: str = "node"
    dead: str = DEAD_COLOUR
