"""Entropy of the patterns of switched-on nodes, by layer."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.layer_lines import layer_lines
from nodescope.charts.seeds import over_seeds, seed_view
from nodescope.charts.tables import quantity_of
from nodescope.charts.views import preferred_split

CHART = Chart(section="layers", order=120, tables=("patterns",), needs_values=("patterns.relative_entropy",))

KEPT = ("state", "split", "layer", "relative_entropy")
QUANTITY = quantity_of("patterns", "relative_entropy")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """Relative entropy of each layer, in any state."""
    table = tables["patterns"]
    split = preferred_split(table)
    relative = over_seeds(table.select(*context.configurations.columns, "seed", *KEPT), "relative_entropy")
    shown = table.filter(pl.col("split") == split)
    samples = shown.drop_nulls("relative_entropy").select(pl.col("samples").max()).item()
    distinct = (
        shown.filter(pl.col("state") == context.states[-1])
        .select((pl.col("distinct") / pl.col("samples")).mean())
        .item()
    )
    share = (
        ""
        if distinct is None
        else f" In the {context.words.networks} there are {100 * distinct:.0f} distinct patterns per 100 {split} samples."
    )
    missing = (
        " Missing layers: the network diverged, or the layer is a convolution recorded with positions: summary "
        "(positions: rows records every position)."
        if table["relative_entropy"].null_count()
        else ""
    )
    return [
        Figure(
            name="patterns",
            title="How different are the patterns of the samples?",
            collapsed=True,
            caption="Entropy of the patterns of nodes that are on, relative to the maximum for so many nodes and samples; "
            f"{context.spread_words()}.",
            about=f"The pattern of a sample is the set of nodes of a layer that are on, of {samples} {split} samples. "
            f"At 100 % every "
            f"sample has a distinct pattern.{share}{missing}",
            chart=layer_lines(relative, context, QUANTITY, width=0.62),
            quantities={"mean": QUANTITY},
            view={"state": context.states[-1], "split": split, "seed": seed_view(relative)},
            interval="95 % t interval",
            shown_in=ShownIn("layer-profile") if _are_alike(shown) else None,
        )
    ]


#: Layers whose entropies differ by less are alike.
ALIKE = 0.1


def _are_alike(shown: pl.DataFrame) -> bool:
    """Whether all layers of all networks have nearly the same entropy: then a sentence says it."""
    known = shown["relative_entropy"].drop_nulls()
    return bool(len(known)) and float(known.max() - known.min()) < ALIKE  # type: ignore[operator,arg-type]
