"""Matrices of numbers: a row per network, a cell per layer, with its value in it where there is room."""

from typing import Any

import altair as alt

#: Height of a row and width of a cell; without its number a cell is narrow.
ROW, WIDE, NARROW = 20, 40, 14
#: Of so many layers the numbers have room.
MOST_NUMBERS = 8
#: What cells look like.
CELL: dict[str, Any] = {"stroke": "#c9ccd1", "strokeWidth": 0.5}


def cell_width(layers: int, *, least: int = 90) -> int:
    """The width of a matrix of so many layers."""
    return max(least, layers * (WIDE if layers <= MOST_NUMBERS else NARROW))


def cell_text(base: alt.Chart, layers: int, is_dark: str) -> list[alt.Chart]:
    """The numbers in the cells, from the column ``text``; none where there is no room.

    Parameters
    ----------
    is_dark
        An expression that holds where a cell is so dark that its number has to be white.
    """
    if layers > MOST_NUMBERS:
        return []
    # Names of colours, since the page adapts other colours to its theme: cells are the same in both.
    colour = alt.when(is_dark).then(alt.value("white")).otherwise(alt.value("black"))
    return [base.mark_text(fontSize=10).encode(text="text:N", color=colour)]
