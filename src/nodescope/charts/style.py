"""The look that all figures share: colours that mean the same everywhere, and Vega's configuration."""

from collections.abc import Sequence
from typing import Any

import altair as alt

#: Colours that mean the same in every figure (Paul Tol's bright scheme, safe for colour-blind readers).
SERIES_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#ee7733", "#332288")
SYSTEMS = {"discrete": "#6a51a3", "continuous": "#d95f02", "combined": "#1b7837"}
#: Of activation functions; those that are alike have colours that are alike.
ACTIVATIONS = {
    "relu": "#4477aa", "sigmoid": "#ee6677", "tanh": "#228833", "selu": "#aa3377", "elu": "#cc79a7", "leaky_relu": "#66a9cc",
    "prelu": "#66a9cc", "gelu": "#b58900", "silu": "#ccbb44", "softplus": "#009988", "identity": "#777777",
}  # fmt: skip
#: Of what is not of one network or function: neither the first nor the second of two sides.
NEUTRAL, PALE = "#777777", "#bbbbbb"
#: Of differences that are more than chance.
BETTER, WORSE = "#2166ac", "#b2182b"
DEAD_COLOUR = "#cc0000"
#: Of a class that is not in colour, and how many are where there are more classes than colours.
OTHER_CLASS, MOST_HUES = "#969696", 3

CONFIG: dict[str, Any] = {
    "font": "sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "grid": True,
        "gridColor": "#eeeeee",
        "domainColor": "#cccccc",
        "tickColor": "#cccccc",
        "labelFontSize": 10,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
    # The title of a vertical axis stands above it, where it is read without turning the head.
    "axisLeft": {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "start", "titleX": 0, "titleY": -12},
    "header": {"labelFontSize": 11, "titleFontSize": 11, "labelPadding": 22},
    "headerRow": {"labelPadding": 8},
    "legend": {"labelFontSize": 10, "titleFontSize": 11, "orient": "top", "symbolStrokeWidth": 2},
    "title": {"fontSize": 12, "fontWeight": "normal"},
}


def class_colours(classes: int, palette: list[str]) -> list[str]:
    """A colour for each class; where there are more classes than colours, for the first few, and grey for the others."""
    if classes <= len(palette):
        return palette[:classes]
    hues = palette[: min(MOST_HUES, len(palette))]
    return hues + [OTHER_CLASS] * (classes - len(hues))


def series_scale(series: Sequence[str]) -> alt.Scale:
    """A colour for each series, in their order; activation functions have their own."""
    free = [colour for colour in SERIES_COLOURS if colour not in {ACTIVATIONS.get(name) for name in series}]
    others = iter([free[i % len(free)] for i in range(len(series))])
    return alt.Scale(
        domain=list(series), range=[ACTIVATIONS[name] if name in ACTIVATIONS else next(others) for name in series]
    )
