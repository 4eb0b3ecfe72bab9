"""Panels whose x axis runs over all nodes of a network, layer after layer."""

import altair as alt
import numpy as np
import polars as pl

from nodescope.charts import raster
from nodescope.charts.context import DEAD_COLOUR, Context

PANEL_WIDTH = 860


def scatter_panel(
    frame: pl.DataFrame, value: str, context: Context, *, title: str, y_title: str, y_domain: tuple[float, float]
) -> alt.LayerChart | alt.FacetChart:
    """One value per node and class as a cloud of points, one colour per class, layers separated by lines.

    Parameters
    ----------
    frame
        Of one net: depth, width, layer, node, class and the value.
    """
    depth, width = frame["depth"][0], frame["width"][0]
    height = context.options.height
    known = frame.drop_nulls(value)
    position = (known["layer"] - 1).to_numpy() * width + known["node"].to_numpy()
    low, high = y_domain
    palette = np.array([raster.colour(text) for text in context.options.class_colours], np.uint8)
    pixels = raster.scatter(
        (position + 0.5) / (depth * width),
        (known[value].to_numpy() - low) / (high - low),
        palette[known["class"].to_numpy() % len(palette)],
        (2 * PANEL_WIDTH, 2 * height),
        radius=max(1, min(4, PANEL_WIDTH // (2 * depth * width))),
    )
    # Points that cannot be seen, for the axes and the legend.
    corners = pl.DataFrame(
        {
            "position": [0, depth * width] * len(context.class_names),
            "value": [low, high] * len(context.class_names),
            "class_name": [name for name in context.class_names for _ in range(2)],
        }
    )
    axes = (
        alt.Chart(corners, width=PANEL_WIDTH, height=height, title=title)
        .mark_square(opacity=0)
        .encode(
            x=_node_axis(depth, width),
            y=alt.Y("value:Q").title(y_title).scale(domain=[low, high], nice=False),
            color=alt.Color("class_name:N").title("class").scale(context.class_scale()).legend(symbolOpacity=1),
        )
    )
    return alt.layer(axes, raster.image_mark(pixels, PANEL_WIDTH, height), _layer_lines(depth, width))


def heatmap_panel(
    values_CJ: np.ndarray,
    dead_J: np.ndarray,
    depth: int,
    width: int,
    context: Context,
    *,
    title: str,
    low: str,
    high: str,
) -> alt.LayerChart | alt.FacetChart:
    """A matrix of shares [class, node over all layers]; dead nodes as red lines."""
    height = 14 * len(values_CJ)
    pixels = raster.matrix(values_CJ, raster.colour(low), raster.colour(high), dead_J, raster.colour(DEAD_COLOUR))
    corners = pl.DataFrame(
        {"position": [0, depth * width] * len(context.class_names), "class_name": np.repeat(context.class_names, 2)}
    )
    axes = (
        alt.Chart(corners, width=PANEL_WIDTH, height=height, title=title)
        .mark_point(opacity=0)
        .encode(
            x=_node_axis(depth, width),
            y=alt.Y("class_name:N")
            .title("class")
            .scale(type="band", domain=context.class_names)
            .sort(context.class_names),
        )
    )
    picture = raster.enlarge(pixels, (max(2 * PANEL_WIDTH, pixels.shape[1]), 2 * height))
    return alt.layer(axes, raster.image_mark(picture, PANEL_WIDTH, height), _layer_lines(depth, width))


def _node_axis(depth: int, width: int) -> alt.X:
    return (
        alt.X("position:Q")
        .title("node, layer after layer")
        .scale(domain=[0, depth * width], nice=False)
        .axis(values=[layer * width for layer in range(depth + 1)], grid=False)
    )


def _layer_lines(depth: int, width: int) -> alt.Chart:
    borders = pl.DataFrame({"position": [layer * width for layer in range(1, depth)] or [0]})
    return alt.Chart(borders).mark_rule(color="#555555", strokeWidth=0.8).encode(x="position:Q")
