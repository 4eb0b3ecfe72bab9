"""Panels whose x axis runs over all nodes of a network, layer after layer: the frame, and the picture in it.

A panel of 800 nodes x 10 classes would be 8,000 marks; as a picture it is a few kilobytes.
"""

from typing import Any

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.charts import raster
from nodescope.charts.context import Context
from nodescope.charts.figure import NodePanels
from nodescope.charts.style import OTHER_CLASS

PANEL_WIDTH = 860
ROW_HEIGHT, LEAST_HEIGHT = 15, 40
LOW, HIGH = "#f7fbff", "#08306b"


def filled_panel(panels: NodePanels, context: Context, part: pl.DataFrame, label: str) -> dict[str, Any]:
    """The specification of the panel of one configuration, state, split and seed.

    Parameters
    ----------
    part
        Its rows: layer, node, class, the value, and the place of the node where that is another column.
    """
    sizes = part.group_by("layer", maintain_order=True).agg(pl.col("node").max() + 1).sort("layer")["node"].to_list()
    # A network may lack the view that a figure begins with: its panel is empty.
    borders = [0, *(np.cumsum(sizes, dtype=int).tolist() or [1])]
    known = part.drop_nulls(panels.value)
    low, high = panels.domain or _domain(known[panels.value])
    first = pl.DataFrame({"layer": range(1, len(sizes) + 1), "first": borders[: len(sizes)]})
    placed = known.join(first.cast({"layer": part["layer"].dtype}), on="layer", maintain_order="left")
    position = (placed["first"] + placed[panels.place]).to_numpy()
    values, classes = placed[panels.value].to_numpy(), placed["class"].to_numpy()
    height = _height(panels, context)
    if panels.mark == "matrix":
        dead = raster.colour(panels.dead)
        pixels = _matrix(values, classes, position, (len(context.class_names), borders[-1]), height, dead)
    else:
        palette = np.array([raster.colour(text) for text in context.class_colours()], np.uint8)
        # Those in colour lie on top.
        top = np.argsort([context.class_colours()[c] != OTHER_CLASS for c in classes], kind="stable")
        position, values, classes = position[top], values[top], classes[top]
        pixels = raster.scatter(
            (position + 0.5) / borders[-1],
            (values - low) / (high - low),
            palette[classes],
            (2 * PANEL_WIDTH, 2 * height),
            radius=max(1, min(4, PANEL_WIDTH // (2 * borders[-1]))),
        )
    parameters = {
        "start": 0,
        "stop": borders[-1],
        "low": low,
        "high": high,
        "borders": borders,
        "step": 1,
        "label": label,
    }
    specification: dict[str, Any] = _chart(panels, context).to_dict(validate=False)
    for parameter in specification["params"]:
        parameter["value"] = parameters[parameter["name"]]
    return specification | {"datasets": {"picture": [{"url": raster.data_uri(pixels)}]}}


def _height(panels: NodePanels, context: Context) -> int:
    return (
        max(LEAST_HEIGHT, ROW_HEIGHT * len(context.class_names)) if panels.mark == "matrix" else context.options.height
    )


def _matrix(
    values: NDArray[np.floating],
    classes: NDArray[np.integer],
    position: NDArray[np.integer],
    shape: tuple[int, int],
    height: int,
    dead: raster.Colour,
) -> raster.Pixels:
    shares_CJ = np.full(shape, np.nan)
    shares_CJ[classes, position] = values
    known_CJ = np.isfinite(shares_CJ)
    dead_J = known_CJ.any(axis=0) & (np.where(known_CJ, shares_CJ, 0).max(axis=0) == 0)
    pixels = raster.matrix(shares_CJ, raster.colour(LOW), raster.colour(HIGH), dead_J, dead)
    return raster.enlarge(pixels, (max(2 * PANEL_WIDTH, pixels.shape[1]), 2 * height))


def _chart(panels: NodePanels, context: Context) -> alt.LayerChart | alt.FacetChart:
    first: dict[str, Any] = {"start": 0, "stop": 1, "low": 0, "high": 1, "borders": [0, 1], "step": 1, "label": ""}
    parameters = [alt.param(name=name, value=value) for name, value in first.items()]
    x = (
        alt.X("position:Q")
        .title("node, layer after layer")
        .scale(domainMin=alt.ExprRef("start"), domainMax=alt.ExprRef("stop"), nice=False, zero=False)
        # Where layers begin; nearer by, whole steps of nodes.
        .axis(
            values=alt.ExprRef(
                "stop - start == borders[length(borders) - 1] ? borders : sequence(ceil(start / step) * step, stop, step)"
            ),
            grid=False,
        )
    )
    names = context.class_names
    # Points that cannot be seen, for the axes and the legend.
    marks = alt.Chart(alt.InlineData([{"class_name": name, "position": 0, "value": 0} for name in names]))
    if panels.mark == "matrix":
        axes = marks.mark_point(opacity=0).encode(
            x=x, y=alt.Y("class_name:N").title("class").scale(type="band", domain=names).sort(names)
        )
    else:
        axes = marks.mark_square(opacity=0).encode(
            x=x,
            y=alt.Y("value:Q")
            .title(panels.title)
            .scale(domainMin=alt.ExprRef("low"), domainMax=alt.ExprRef("high"), nice=False, zero=False),
            color=context.class_colour(),
        )
    image = (
        alt.Chart(alt.NamedData("picture"))
        .mark_image(width=alt.ExprRef("width"), height=alt.ExprRef("height"), aspect=False)
        .encode(url="url:N", x=alt.value(alt.ExprRef("width / 2")), y=alt.value(alt.ExprRef("height / 2")))
    )
    lines = (
        alt.Chart(alt.sequence(1, 2, 1, as_="one"))
        .transform_calculate(border="slice(borders, 1, -1)")
        .transform_flatten(["border"])
        .mark_rule(color="#777777", strokeWidth=0.8, clip=True)
        .encode(x="border:Q")
    )
    return (
        alt.layer(axes, image, lines)
        .add_params(*parameters)
        .properties(
            width=PANEL_WIDTH,
            height=_height(panels, context),
            title=alt.TitleParams(text=alt.ExprRef("label"), anchor="start"),
        )
    )


def _domain(values: pl.Series) -> tuple[float, float]:
    """The range of the values, [0, 1] for what lies within it and fills it."""
    if values.is_empty():
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    if low >= 0 and 0.5 < high <= 1:
        return 0.0, 1.0
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin
