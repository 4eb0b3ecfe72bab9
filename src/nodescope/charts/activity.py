"""Figures 5.1-5.5: for which share of each class's samples each node is on."""

import altair as alt
import polars as pl

from nodescope.charts.context import Context, Figure, describe, groups, network_columns, slug
from nodescope.charts.node_panels import scatter_panel

PANELS = (("trained", "train", "trained, training samples"), ("trained", "test", "trained, test samples"))
UNTRAINED = ("initial", "train", "untrained, training samples")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per configuration: training set, evaluation set, untrained net."""
    table = tables["activity"]
    shown = table.filter(pl.col("seed") == table["seed"][0])
    found = []
    for keys, part in groups(shown, *network_columns(table)):
        panels = []
        for state, split, title in (*PANELS, UNTRAINED):
            frame = part.filter(pl.col("state") == state, pl.col("split") == split)
            if not frame.is_empty():
                panels.append(
                    scatter_panel(
                        frame, "active_share", context, title=title, y_title="share active", y_domain=(-0.02, 1.02)
                    )
                )
        if not panels:
            continue
        found.append(
            Figure(
                name=f"activity-{slug(keys)}",
                title=f"Node activity by class, {describe(keys)}",
                caption="For every node the share of each class's samples for which it is on (theta = 1), net of seed "
                f"{part['seed'][0]}. {_all_or_nothing(part)} A node near 1 for some "
                "classes and near 0 for the others is selective for whole classes.",
                reference="figures 5.1-5.5",
                chart=alt.vconcat(*panels),
            )
        )
    return found


def _all_or_nothing(part: pl.DataFrame) -> str:
    """How many node-class pairs of the first and the last layer are (nearly) always or never on."""
    trained = part.filter(pl.col("state") == "trained", pl.col("split") == "train").drop_nulls("active_share")
    if trained.is_empty():
        return ""
    extreme = (pl.col("active_share") <= 0.05) | (pl.col("active_share") >= 0.95)
    share = trained.group_by("layer").agg(extreme.mean().alias("share")).sort("layer")["share"]
    return (
        f"After training, {100 * share[0]:.0f} % of the node-class pairs of layer 1 and {100 * share[-1]:.0f} % of those of "
        "the last layer are within 5 points of always or never on."
    )
