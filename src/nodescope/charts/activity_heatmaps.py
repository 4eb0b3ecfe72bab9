"""Figures 5.6-5.9: node activity as a heatmap of nodes and classes, dead nodes as red lines."""

import altair as alt
import numpy as np
import polars as pl

from nodescope.charts.context import Context, Figure, describe, groups, network_columns, preferred_split, slug
from nodescope.charts.node_panels import heatmap_panel

LOW, HIGH = "#f7fbff", "#08306b"


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per activation function, depth and width: without and with batch normalisation."""
    table = tables["activity"]
    shown = table.filter(
        pl.col("state") == "trained", pl.col("split") == preferred_split(table), pl.col("seed") == table["seed"][0]
    )
    by = [name for name in network_columns(table) if name != "batch_norm"]
    found = []
    for keys, part in groups(shown, *by):
        panels, dead_texts = [], []
        for panel, frame in groups(part, "batch_norm"):
            depth, width = frame["depth"][0], frame["width"][0]
            ordered = frame.sort("class", "layer", "node")
            values_CJ = ordered["active_share"].to_numpy().reshape(len(context.class_names), depth * width)
            known_CJ = np.isfinite(values_CJ)
            dead_J = known_CJ.any(axis=0) & (np.where(known_CJ, values_CJ, 0).max(axis=0) == 0)
            norm = "with BN" if panel["batch_norm"] else "without BN"
            panels.append(heatmap_panel(values_CJ, dead_J, depth, width, context, title=norm, low=LOW, high=HIGH))
            count = f"{int(dead_J.sum())} of {depth * width}" if known_CJ.any() else "unknown, the net diverged,"
            dead_texts.append(f"{count} {norm}")
        found.append(
            Figure(
                name=f"activity-heatmap-{slug(keys)}",
                title=f"Activity heatmap, {describe(keys)}",
                caption="Rows are classes, columns are nodes layer after layer; from white (on for no sample of the class) to "
                f"dark blue (on for all), {part['split'][0]} samples, trained net of seed {part['seed'][0]}. Red lines are "
                f"dead nodes, on for no sample of any class: {', '.join(dead_texts)}. Columns with few dark rows are nodes "
                "that have specialised.",
                reference="figures 5.6-5.9",
                chart=alt.vconcat(*panels),
            )
        )
    return found
