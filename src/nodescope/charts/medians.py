"""Figures 4.3-4.5, 4.8-4.11, A.1, A.2: the median activation of each class at every node."""

import altair as alt
import polars as pl

from nodescope.charts.context import Context, Figure, describe, groups, network_columns, preferred_split, slug
from nodescope.charts.node_panels import scatter_panel


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per activation function, depth and width: untrained, trained, and trained with BN below each other."""
    table = tables["medians"]
    shown = table.filter(
        pl.col("state").is_in(["initial", "trained"]),
        pl.col("split") == preferred_split(table),
        pl.col("seed") == table["seed"][0],
    )
    by = [name for name in network_columns(table) if name != "batch_norm"]
    found = []
    for keys, part in groups(shown, *by):
        panels = []
        for panel, frame in groups(part.sort("batch_norm", "state", maintain_order=True), "batch_norm", "state"):
            state = "untrained" if panel["state"] == "initial" else "trained"
            norm = " with BN" if panel["batch_norm"] else ""
            panels.append(
                scatter_panel(
                    frame, "median", context, title=f"{state}{norm}", y_title="median of a", y_domain=_domain(frame)
                )
            )
        found.append(
            Figure(
                name=f"medians-{slug(keys)}",
                title=f"Median activation of each class at every node, {describe(keys)}",
                caption=f"Median over the {part['split'][0]} samples of each class of the activation of every node, layer "
                f"after layer (vertical lines), net of seed {part['seed'][0]}. Where the colours of a node spread, the node "
                "tells classes apart; where they fall together it does not. Compare the untrained with the trained net, "
                "and early with late layers.",
                reference="figures 4.3-4.5, 4.8-4.11, A.1, A.2",
                chart=alt.vconcat(*panels),
            )
        )
    return found


def _domain(frame: pl.DataFrame) -> tuple[float, float]:
    """The range of the medians, at least [0, 1] for what lies within it."""
    known = frame["median"].drop_nulls()
    if known.is_empty():
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
    if low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin
