"""Axes of quantities: title, unit and numbers as the quantity says."""

from typing import Any

import altair as alt
import polars as pl

from nodescope.storage.columns import Quantity

#: Room for the number of a layer.
LAYER_WIDTH = 17


def axis_of(quantity: Quantity, **options: Any) -> alt.Axis:
    """How the numbers along an axis are written: in the quantity's unit, with as many digits as they need.

    >>> axis_of(Quantity("entropy", "bits")).to_dict()
    {'format': '~g'}
    """
    if quantity.unit == "%":
        return alt.Axis(format="~%", **options)
    if quantity.scale != 1:
        sign = "+" if quantity.format.startswith("+") else ""
        return alt.Axis(labelExpr=f"format({quantity.scale:g} * datum.value, '{sign}~g')", **options)
    return alt.Axis(format="~g", **options)


def layer_axis() -> alt.X:
    """A horizontal axis of layers, whose numbers are left out where there is no room for all."""
    return alt.X("layer:O").title("layer").axis(labelAngle=0, labelOverlap=True)


def layer_width(width: float, frame: pl.DataFrame) -> float:
    """How wide a figure of the layers of a frame is: wider where the layers are many."""
    layers = int(frame["layer"].n_unique())
    return max(width, LAYER_WIDTH * layers)


def x_of(column: str, quantity: Quantity, **options: Any) -> alt.X:
    """A horizontal axis; ``options`` are those of its labels."""
    return alt.X(f"{column}:Q").title(quantity.axis_title).axis(axis_of(quantity, **options))


def y_of(column: str, quantity: Quantity, **options: Any) -> alt.Y:
    """A vertical axis; ``options`` are those of its labels."""
    return alt.Y(f"{column}:Q").title(quantity.axis_title).axis(axis_of(quantity, **options))
