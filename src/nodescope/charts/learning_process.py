"""Figures 6.6, 6.7: layers as classifiers after chosen epochs of training."""

import altair as alt
import polars as pl

from nodescope.charts.context import (
    Context,
    Figure,
    batch_norm_row,
    describe,
    groups,
    network_columns,
    slug,
    state_label,
)
from nodescope.charts.system_panels import mean_accuracies, system_panels


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per activation function, depth and width: columns = state, rows = batch normalisation."""
    table = tables["layer_accuracy"]
    labels = [state_label(state) for state in context.states]
    mean = mean_accuracies(table.filter(pl.col("split").is_in(["train", "test"]))).with_columns(
        column=pl.col("state").replace_strict(context.states, labels, default=None)
    )
    by = [name for name in network_columns(table) if name != "batch_norm"]
    found = []
    for keys, part in groups(mean, *by):
        chart = system_panels(part, context).facet(
            column=alt.Column("column:N").title(None).sort(labels), row=batch_norm_row()
        )
        found.append(
            Figure(
                name=f"learning-process-{slug(keys)}",
                title=f"Layers as classifiers during training, {describe(keys)}",
                caption="The same accuracies before training, after chosen epochs and for the kept net, mean over the seeds with "
                "one standard error; training samples dashed, test samples solid, the network's own test accuracy dotted. The "
                "last column is the kept net, whose epoch may lie before the last snapshot. Compare how the first and the last "
                "layer change.",
                reference="figures 6.6, 6.7",
                chart=chart,
            )
        )
    return found
