"""Figures 6.2-6.5, A.3-A.6: each layer alone as a classifier, by its switches, its values, or both."""

import altair as alt
import polars as pl

from nodescope.charts.context import Context, Figure, batch_norm_row, describe, groups, network_columns, percent, slug
from nodescope.charts.system_panels import mean_accuracies, system_panels


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per activation function and width: columns = depth, rows = batch normalisation."""
    table = tables["layer_accuracy"]
    mean = mean_accuracies(table.filter(pl.col("split").is_in(["train", "test"])))
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
                "densities of the values), and combined; training samples dashed, test samples solid, mean over the seeds "
                f"with one standard error. Dotted: the network's own test accuracy. {_best_of_first_layer(part)} Where the "
                "systems meet the dotted line, the layer alone knows as much of the class as the whole network.",
                reference="figures 6.2-6.5, A.3-A.6",
                chart=chart.resolve_scale(x="independent"),
                view={"state": context.states[-1], "seed": "mean"},
            )
        )
    return found


def _best_of_first_layer(part: pl.DataFrame) -> str:
    first = part.filter(
        pl.col("layer") == 1, pl.col("split") == "test", pl.col("state") == "trained", pl.col("seed") == "mean"
    ).drop_nulls("mean")
    if first.is_empty():
        return ""
    means = first.group_by("system", maintain_order=True).agg(pl.col("mean").mean()).sort("mean")
    best = means.row(-1, named=True)
    return (
        f"In layer 1 of the trained nets the {best['system']} system is best on test samples ({percent(best['mean'])}, averaged "
        "over the panels)."
    )
