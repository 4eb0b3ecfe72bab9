"""The look that all figures share: colours that mean the same everywhere, and Vega's configuration."""

from typing import Any

import altair as alt

#: Colours that mean the same in every figure (Paul Tol's bright scheme, safe for colour-blind readers).
SERIES_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777", "#ee7733", "#332288")
SYSTEMS = {"discrete": "#4477aa", "continuous": "#ee6677", "combined": "#228833"}
DEAD_COLOUR = "#cc0000"
#: Of a class that is not in colour, and how many are where there are more classes than colours.
OTHER_CLASS, MOST_HUES = "#969696", 3

CONFIG: dict[str, Any] = {
    "font": "sans-serif",
    "background": "white",
    "view": {"stroke": "#cccccc"},
    "axis": {
        "grid": True,
        "gridColor": "#eeeeee",
        "labelFontSize": 10,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
    "header": {"labelFontSize": 11, "titleFontSize": 11},
    "legend": {"labelFontSize": 10, "titleFontSize": 11},
    "title": {"fontSize": 12, "fontWeight": "normal"},
}


def class_colours(classes: int, palette: list[str]) -> list[str]:
    """A colour for each class; where there are more classes than colours, for the first few, and grey for the others."""
    if classes <= len(palette):
        return palette[:classes]
    hues = palette[: min(MOST_HUES, len(palette))]
    return hues + [OTHER_CLASS] * (classes - len(hues))


def series_scale(series: list[str]) -> alt.Scale:
    """A colour for each series, in their order."""
    return alt.Scale(domain=series, range=[SERIES_COLOURS[i % len(SERIES_COLOURS)] for i in range(len(series))])
