"""Each layer alone as a classifier, by its switches, its values, or both."""

import altair as alt
import polars as pl

from nodescope.charts.context import (
    Context,
    Figure,
    batch_norm_row,
    describe,
    groups,
    network_columns,
    percent,
    seed_view,
    slug,
)
from nodescope.charts.system_panels import ACCURACY, mean_accuracies, system_panels


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per activation function and width: columns = depth, rows = batch normalisation."""
    table = tables["layer_accuracy"]
    mean = mean_accuracies(table.filter(pl.col("split").is_in(["train", "test"])), context)
    by = [name for name in network_columns(table) if name not in ("depth", "batch_norm")]
    found = []
    for keys, part in groups(mean, *by):
        chart = system_panels(part, context).facet(
            column=alt.Column("depth:O").title("hidden layers"), row=batch_norm_row()
        )
        found.append(
            Figure(
                name=f"layer-accuracy-{slug(keys)}",
                title=f"Layers as classifiers, {describe(keys)}",
                caption="Accuracy of each hidden layer alone: discrete system (which nodes are on), continuous system (kernel "
                "densities of the values), and combined; training samples dashed, test samples solid, "
                f"{context.spread_words()}. Dotted: the network's own test accuracy. {_first_layer(part)} Where the "
                "systems meet the dotted line, the layer alone knows as much of the class as the whole network.",
                chart=chart.resolve_scale(x="independent"),
                quantities={"mean": ACCURACY},
                view={"state": context.states[-1], "seed": seed_view(mean)},
            )
        )
    return found


def _first_layer(part: pl.DataFrame) -> str:
    """How well each system does in layer 1 of the trained nets."""
    first = part.filter(
        pl.col("layer") == 1, pl.col("split") == "test", pl.col("state") == "trained", pl.col("seed") == seed_view(part)
    ).drop_nulls("mean")
    if first.is_empty():
        return ""
    of_systems = first.group_by("system", maintain_order=True).agg(pl.col("mean").mean())
    words = ", ".join(f"{system} {percent(accuracy)}" for system, accuracy in of_systems.iter_rows())
    return f"In layer 1 of the trained nets, averaged over the panels, test samples: {words}."
