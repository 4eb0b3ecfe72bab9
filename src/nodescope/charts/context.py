"""What the charts share: figures and their texts, names for readers, colours, order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import polars as pl

from nodescope.config.charts import Charts
from nodescope.config.grid import Grid
from nodescope.numerics.intervals import t_quantile
from nodescope.storage.columns import Quantity
from nodescope.storage.tables import mean_over_seeds
from nodescope.study.configurations import BASE_AXES, Configuration
from nodescope.study.words import Words
from nodescope.study.words import describe as describe
from nodescope.works.published_figures import has_standard_errors
from nodescope.works.work import Work

#: Colours that mean the same in every figure (Paul Tol's bright scheme, safe for colour-blind readers).
ACTIVATION_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#ee7733", "#332288")
SYSTEMS = {"discrete": "#4477aa", "continuous": "#ee6677", "combined": "#228833"}
#: The value of the column ``seed`` of what is a mean over the seeds.
MEAN = "mean"
DEAD_COLOUR = "#cc0000"
#: Of a class that is not in colour, and how many are where there are more classes than colours.
OTHER_CLASS, MOST_HUES = "#969696", 3
#: The columns that name a configuration, in the order of the tables.
AXES = (*(name for name in Grid.model_fields if name != "variants"), "variant")


@dataclass(frozen=True)
class Figure:
    """One figure with its words.

    It holds more than it shows at first: the page filters its rows by their columns. ``depth``, ``width``,
    ``activation``, ``batch_norm`` and further axes of the grid, ``class_name`` and ``network`` obey the page's filters
    wherever a figure's data have them.

    Attributes
    ----------
    name : str
        Its file name, unique among the figures of a study.
    title : str
    caption : str
        What is shown, and what to read from it.
    chart : altair chart or None
    table : DataFrame or None
        For a figure that is a table.
    nodes : NodePanels or None
        For a figure with one value per node and class.
    view : dict
        Columns of which one value at a time is shown, with the value shown at first and in static files: ``state``,
        ``split`` and ``seed`` follow the page's controls; any other column gets a choice of its own above the figure.
    per_configuration : bool
        Whether the data have a column ``configuration`` (see `with_network`), of which the page shows those that are
        pinned, side by side; each has a static file of its own.
    quantity : str
        The column with the figure's main number, which its text alternative names.
    quantities : dict
        What the columns of its data hold, as far as they are not columns of its tables, which are declared there; the
        page shows their numbers by it.
    """

    name: str
    title: str
    caption: str
    chart: alt.TopLevelMixin | None = None
    table: pl.DataFrame | None = None
    nodes: "NodePanels | None" = None
    view: dict[str, str] = field(default_factory=dict)
    per_configuration: bool = False
    quantity: str = "mean"
    quantities: dict[str, Quantity] = field(default_factory=dict)


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
        that are 0 for every class in red.
    title : str
        What the value is, for axis and read-out.
    static_states : tuple of str
        The states that get a static file.
    domain : (float, float) or None
        Of the value; None for that of the data.
    """

    source: str
    frame: pl.LazyFrame
    value: str
    mark: str
    title: str
    static_states: tuple[str, ...]
    domain: tuple[float, float] | None = None


@dataclass(frozen=True)
class Context:
    """What a chart knows beside its tables.

    Attributes
    ----------
    options : Charts
        How figures look.
    class_names, states : list of str
    seeds : tuple of int
        The study's; empty where they are not known.
    works : tuple of Work
        The published works that the study is compared with.
    """

    options: Charts
    class_names: list[str]
    states: list[str]
    seeds: tuple[int, ...] = ()
    works: tuple[Work, ...] = ()

    @property
    def words(self) -> Words:
        """What may be said of the study's seeds and training."""
        return Words(self.seeds, "trained" in self.states)

    def spread_words(self, figure: str | None = None) -> str:
        """The mean with its spread in words, as `with_spread` draws it."""
        return self.words.with_spread(as_published=self.has_standard_errors(figure))

    def has_standard_errors(self, figure: str | None) -> bool:
        """Whether a figure shows standard errors, because a work that the study names does so in its counterpart."""
        return figure is not None and has_standard_errors(self.works, figure)

    def with_spread(
        self, mean: pl.DataFrame, figure: str | None = None, bounds: tuple[float | None, float | None] = (None, None)
    ) -> pl.DataFrame:
        """Columns ``low`` and ``high``: the ends of the 95 % t interval over the seeds.

        Parameters
        ----------
        mean
            From `over_seeds`. Of one seed both ends are its value.
        figure
            The name of the figure: if a work that the study names shows standard errors there, so does the figure.
        bounds
            Of the values: an interval ends there.
        """
        most = max(2, int(mean["seeds"].max() or 0))  # type: ignore[arg-type]  # whole numbers
        errors = {n: 1.0 if self.has_standard_errors(figure) else t_quantile(n - 1) for n in range(2, most + 1)}
        reach = pl.col("seeds").replace_strict(errors, default=0.0, return_dtype=pl.Float64)
        half = (pl.col("standard_error") * reach).fill_null(0)
        low, high = bounds
        return mean.with_columns(
            low=(pl.col("mean") - half).clip(lower_bound=low), high=(pl.col("mean") + half).clip(upper_bound=high)
        )

    def table_of_means(self, frame: pl.DataFrame, name: str, figure: str | None = None) -> pl.DataFrame:
        """The columns ``mean``, ``standard_error`` and ``seeds`` as a table shows them, where they are.

        Of one seed its value, called ``name``. Of several the mean with the ends of its 95 % t interval, or with its
        standard error if a work that the study names prints that in its counterpart of the table named ``figure``.
        """
        others = [column for column in frame.columns if column not in ("mean", "standard_error", "seeds")]
        if not self.words.several_seeds:
            return frame.select(*others, pl.col("mean").round(4).alias(name))
        if self.has_standard_errors(figure):
            return frame.select(*others, pl.col("mean", "standard_error").round(4), "seeds")
        ends = self.with_spread(frame)
        known = pl.col("standard_error").is_not_null()
        return ends.select(
            *others,
            pl.col("mean").round(4),
            *(pl.when(known).then(pl.col(end)).round(4).alias(f"interval_{end}") for end in ("low", "high")),
            "seeds",
        )

    def class_colours(self) -> list[str]:
        """The colour of each class, the same in every figure; no two are alike but the greys of those not in colour."""
        return class_colours(len(self.class_names), self.options.class_colours)

    def class_colour(self) -> alt.Color:
        """The encoding of classes, from the column ``class_name``; its legend names the classes in colour."""
        colours = self.class_colours()
        others = colours.count(OTHER_CLASS)
        channel = alt.Color("class_name:N").scale(domain=self.class_names, range=colours)
        if not others:
            return channel.title("class").legend(symbolOpacity=1)
        named = [name for name, own in zip(self.class_names, colours, strict=True) if own != OTHER_CLASS]
        return channel.title(["class", f"({others} others grey)"]).legend(values=named, symbolOpacity=1)

    def with_class_names(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Replace class indices by names."""
        names = pl.DataFrame({"class": range(len(self.class_names)), "class_name": self.class_names})
        return frame.join(
            names.with_columns(pl.col("class").cast(frame["class"].dtype)), on="class", maintain_order="left"
        )


def class_colours(classes: int, palette: list[str]) -> list[str]:
    """A colour for each class; where there are more classes than colours, for the first few, and grey for the others."""
    if classes <= len(palette):
        return palette[:classes]
    hues = palette[: min(MOST_HUES, len(palette))]
    return hues + [OTHER_CLASS] * (classes - len(hues))


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


def variant_scale(variants: list[str]) -> alt.Scale:
    """A colour for each variant, in their order."""
    return alt.Scale(
        domain=variants, range=[ACTIVATION_COLOURS[i % len(ACTIVATION_COLOURS)] for i in range(len(variants))]
    )


def first_view(frame: pl.DataFrame | pl.LazyFrame) -> dict[str, str]:
    """What a figure shows at first of a table of single nets: the last state of the first seed, training samples."""
    first = frame.lazy().select("seed").first().collect().item()
    states = frame.lazy().select(pl.col("state").unique(maintain_order=True)).collect()["state"]
    splits = frame.lazy().select(pl.col("split").unique(maintain_order=True)).collect()
    return {"state": str(states[-1]), "split": preferred_split(splits), "seed": str(first)}


def preferred_split(frame: pl.DataFrame) -> str:
    """The training split where the frame has it, as the published figures; otherwise its first."""
    splits = frame["split"].unique(maintain_order=True).to_list()
    return "train" if "train" in splits else str(splits[0])


def extra_axes(frame: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """Grid axes of the frame beyond those that every study has, and the model where there are several."""
    known = frame.lazy().collect_schema().names()
    models = frame.lazy().select(pl.col("model").n_unique()).collect().item() if "model" in known else 1
    axes = [name for name in AXES if name in known and name not in BASE_AXES]
    return ["model", *axes] if models > 1 else axes


def groups(frame: pl.DataFrame, *columns: str) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """The parts of a frame with equal values in the columns, in order of first appearance."""
    for key, part in frame.group_by(list(columns), maintain_order=True):
        yield dict(zip(columns, key, strict=True)), part


def network_columns(frame: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """The columns that name a configuration."""
    return ["depth", "width", "activation", "batch_norm", *extra_axes(frame)]


def configurations_of(frame: pl.DataFrame | pl.LazyFrame) -> list[tuple[str, str, dict[str, Any]]]:
    """The configurations in a frame: identifier, name for readers, key columns."""
    known = frame.lazy().collect_schema().names()
    axes = [name for name in AXES if name in known]
    keys = frame.lazy().select("dataset", "model", *axes).unique(maintain_order=True).collect()
    several_models = keys["model"].n_unique() > 1
    found = []
    for row in keys.iter_rows(named=True):
        shown = {name: row[name] for name in axes}
        configuration = Configuration("", row["dataset"], row["model"], tuple(shown.items()))
        words = describe(shown | ({"model": row["model"]} if several_models else {}))
        found.append((configuration.identifier, words, row))
    return found


def with_network(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the columns ``configuration``, its identifier, and ``network``, its name for readers."""
    rows = [keys | {"configuration": c, "network": name} for c, name, keys in configurations_of(frame)]
    names = pl.DataFrame(rows, schema_overrides={k: v for k, v in frame.schema.items() if rows and k in rows[0]})
    on = [name for name in names.columns if name not in ("configuration", "network")]
    return frame.join(names, on=on, maintain_order="left")


def over_seeds(frame: pl.DataFrame, value: str) -> pl.DataFrame:
    """Each seed's value, and the mean over the seeds: as `mean_over_seeds` with ``seed``, which is a text or ``mean``.

    Of a single seed there is no mean.

    Parameters
    ----------
    frame
        Key columns with ``seed``, further columns, and ``value`` as the last.
    """
    mean = mean_over_seeds(frame, value).with_columns(seed=pl.lit(MEAN))
    each = frame.rename({value: "mean"}).with_columns(
        pl.col("seed").cast(pl.String),
        standard_error=pl.lit(None, pl.Float64),
        seeds=pl.col("mean").is_not_null().cast(pl.Int32),
    )
    if frame["seed"].n_unique() == 1:
        return each.select(mean.columns)
    return pl.concat([mean, each.select(mean.columns)], how="vertical_relaxed")


def seed_view(frame: pl.DataFrame) -> str:
    """What a figure of `over_seeds` shows at first: the mean, or the one seed that there is."""
    return str(frame["seed"][0]) if frame["seed"].n_unique() == 1 else MEAN


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
