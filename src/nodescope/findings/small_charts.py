"""The small charts beside findings: Vega-Lite specifications of 220 x 90 px, without colours of their own but by series.

They set no background, font or grid: a page draws them in its theme.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from nodescope.storage.columns import Quantity

WIDTH, HEIGHT = 220, 90
#: Rows that are legible in that height, and letters of a name that are.
ROWS, LETTERS = 5, 110
#: Steps between the numbers along a line.
TICKS = 5

#: What is one word in a name.
_WORDS = re.compile(r"(?:with|without|layer|class|depth|width) [^\s,]+|[^\s,]+")

Row = tuple[str, float | None, float | None, float | None]


def _chart(rows: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": WIDTH,
        "height": HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": rows},
        **parts,
    }


def _rounded(value: float | None, quantity: Quantity) -> float | None:
    return None if value is None else float(f"{value * quantity.scale:.4g}")


def _axis(quantity: Quantity, **options: Any) -> dict[str, Any]:
    return {"title": None, "tickCount": 3, "labelExpr": f"datum.label + {json.dumps(_unit(quantity))}", **options}


def _unit(quantity: Quantity) -> str:
    return " %" if quantity.unit == "%" else ""


def _tooltip(quantity: Quantity, name: str) -> list[dict[str, Any]]:
    return [
        {"field": "name", "type": "nominal", "title": name},
        {"field": "value", "type": "quantitative", "title": quantity.axis_title},
    ]


def short(names: Sequence[str]) -> list[str]:
    """Names without the words that all of them have, for which a small chart has no room.

    >>> short(["relu 2x100 with BN", "relu 3x100 without BN"])
    ['2x100 with BN', '3x100 without BN']
    >>> short(["relu", "relu 2x100"])
    ['relu', 'relu 2x100']
    """
    words = [_WORDS.findall(name) for name in names]
    common = set.intersection(*map(set, words)) if len(names) > 1 else set()
    shortened = [" ".join(word for word in of_one if word not in common) for of_one in words]
    return shortened if all(shortened) and len(set(shortened)) == len(set(names)) else list(names)


def dots(rows: Sequence[Row], quantity: Quantity, *, zero: bool = False, name: str = "configuration") -> dict[str, Any]:
    """A row each: a dot, and its interval where it has one.

    Parameters
    ----------
    rows
        (name, value, low, high), in order; the first `ROWS` are drawn.
    quantity
        Of the values.
    zero
        Whether a line marks no difference.
    name
        What a row is.
    """
    values = [
        {
            "name": label,
            "value": _rounded(value, quantity),
            "low": _rounded(low, quantity),
            "high": _rounded(high, quantity),
        }
        for label, (_, value, low, high) in zip(short([row[0] for row in rows[:ROWS]]), rows, strict=False)
    ]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": LETTERS, "grid": False, "ticks": False, "domain": False},
    }
    x = {"field": "value", "type": "quantitative", "scale": {"zero": zero}, "axis": _axis(quantity)}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "strokeWidth": 1.5},
            "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 40, "opacity": 1},
            "encoding": {"x": x, "tooltip": _tooltip(quantity, name)},
        },
    ]
    if zero:
        mark = {"type": "rule", "strokeDash": [2, 2], "opacity": 0.6}
        layers.insert(
            0,
            {
                "mark": mark,
                "data": {"values": [{"none": 0}]},
                "encoding": {
                    "x": {"field": "none", "type": "quantitative"},
                    "y": {"value": 0},
                    "y2": {"value": HEIGHT},
                },
            },
        )
    for layer in layers[1 if zero else 0 :]:
        layer["encoding"]["y"] = y
    return _chart(values, layer=layers)


def bars(rows: Sequence[tuple[str, float]], quantity: Quantity, *, name: str) -> dict[str, Any]:
    """A bar each, from 0.

    Parameters
    ----------
    rows
        (name, value), in order; the first `ROWS` are drawn.
    quantity
        Of the values.
    name
        What a row is.
    """
    names = short([label for label, _ in rows[:ROWS]])
    values = [{"name": label, "value": _rounded(row[1], quantity)} for label, row in zip(names, rows, strict=False)]
    y = {"field": "name", "type": "nominal", "sort": None, "title": None}
    return _chart(
        values,
        mark={"type": "bar"},
        encoding={
            "y": y | {"axis": {"labelLimit": LETTERS, "grid": False, "ticks": False, "domain": False}},
            "x": {"field": "value", "type": "quantitative", "axis": _axis(quantity)},
            "tooltip": _tooltip(quantity, name),
        },
    )


def lines(
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    quantity: Quantity,
    *,
    x: str = "layer",
    log: bool = False,
) -> dict[str, Any]:
    """A line over layers or epochs for each series; a single one is not named.

    Parameters
    ----------
    series
        (name, points), each point an x and a value.
    quantity
        Of the values.
    x
        What runs along the chart.
    log
        Whether values are drawn on a logarithmic axis; those that are not above 0 are left out.
    """
    names = short([label for label, _ in series])
    values = [
        {"name": label, "x": place, "value": _rounded(value, quantity)}
        for label, (_, points) in zip(names, series, strict=True)
        for place, value in points
        if value > 0 or not log
    ]
    places = sorted({round(place) for _, points in series for place, _ in points})
    step = max(1, -(-(len(places) - 1) // TICKS))
    encoding: dict[str, Any] = {
        "x": {
            "field": "x",
            "type": "quantitative",
            "title": x,
            "scale": {"zero": False, "nice": False},
            "axis": {"values": places[::step], "format": "d", "grid": False},
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "scale": {"type": "log"} if log else {"zero": False},
            "axis": _axis(quantity) | ({"format": ".0e"} if log else {}),
        },
        "tooltip": [
            *([{"field": "name", "type": "nominal", "title": "networks"}] if len(series) > 1 else []),
            {"field": "x", "type": "quantitative", "title": x},
            {"field": "value", "type": "quantitative", "title": quantity.axis_title},
        ],
    }
    if len(series) > 1:
        encoding["color"] = {
            "field": "name",
            "type": "nominal",
            "title": None,
            "sort": names,
            "legend": {"labelLimit": 80, "symbolSize": 30},
        }
    return _chart(values, mark={"type": "line", "point": True}, encoding=encoding)
