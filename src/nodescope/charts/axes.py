"""Axes of quantities: title, unit and numbers as the quantity says."""

import math
from collections.abc import Iterable
from typing import Any

import altair as alt
import polars as pl

from nodescope.storage.columns import Quantity

#: Room for the number of a layer.
LAYER_WIDTH = 17


def axis_of(quantity: Quantity, **options: Any) -> alt.Axis:
    """How the numbers along an axis are written: in the quantity's unit, with as many digits as they need.

    Names at the ends of lines may reach beyond the largest value that there is: numbers and lines of the axis do not.

    >>> axis_of(Quantity("entropy", "bits")).to_dict()
    {'format': '~g'}
    """
    most = quantity.range[1]
    if most is not None and quantity.scale == 1:
        beyond = f"datum.value > {most + 1e-9:.9f}"
        options = {
            "labelExpr": f"{beyond} ? '' : datum.label",
            "gridOpacity": {"condition": {"test": beyond, "value": 0}, "value": 1},
            "tickOpacity": {"condition": {"test": beyond, "value": 0}, "value": 1},
        } | options
    if quantity.unit == "%":
        return alt.Axis(format="~%", **options)
    if quantity.scale != 1:
        sign = "+" if quantity.format.startswith("+") else ""
        return alt.Axis(labelExpr=f"format({quantity.scale:g} * datum.value, '{sign}~g')", **options)
    return alt.Axis(format="~g", **options)


def layer_axis() -> alt.X:
    """A horizontal axis of layers, whose numbers are left out where there is no room for all."""
    return alt.X("layer:O").title("layer").axis(labelAngle=0, labelOverlap=True)


def layer_colour() -> alt.Color:
    """Layers by colour, the first dark; a legend of many takes several rows."""
    return alt.Color("layer:O").title("layer").scale(scheme="viridis").legend(columns=12)


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


#: From so many times the smallest value on, the largest has a logarithmic axis.
FAR = 30
#: Powers of ten of a logarithmic axis through zero at most, to either side.
MOST_DECADES = 6


def far_axis(column: str, ends: Iterable[float | None], typical: float | None) -> alt.Y:
    """A vertical axis of values that may reach far: linear near zero and logarithmic beyond where they do, with ticks in both.

    Parameters
    ----------
    ends
        Values that the axis holds.
    typical
        The size of an ordinary one, such as a median of absolute values.
    """
    largest = max((abs(value) for value in ends if value is not None and math.isfinite(value)), default=1.0)
    if not typical or largest <= FAR * typical:
        return alt.Y(f"{column}:Q").title(None).axis(format="~g")
    top = math.ceil(math.log10(largest))
    lowest = max(math.floor(math.log10(typical)), top - MOST_DECADES)
    powers = [10.0**power for power in range(lowest, top + 1)]
    signs = (-1, 1) if any(value is not None and value < 0 for value in ends) else (1,)
    ticks = [0.0, *(sign * power for sign in signs for power in powers)]
    scale = alt.Scale(type="symlog", constant=powers[0])
    return alt.Y(f"{column}:Q").title(None).scale(scale).axis(values=sorted(ticks), format="~g")
