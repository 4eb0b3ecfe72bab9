"""The figures of a study as the page lists them."""

from dataclasses import dataclass
from typing import Any

from nodescope.works.published_figures import Reference


@dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it; ``entry`` is what the page's script needs of it."""

    number: int
    anchor: str
    title: str
    caption: str
    references: list[Reference]
    kind: str
    entry: dict[str, Any]


@dataclass(frozen=True)
class PageSection:
    """Figures that belong together."""

    anchor: str
    title: str
    figures: list[PageFigure]


def page_figure(entry: dict[str, Any], number: int, study: str) -> PageFigure:
    anchor = f"{study}-{entry['name']}"
    words = {"caption", "references", "section"}
    return PageFigure(
        number=number,
        anchor=anchor,
        title=entry["title"],
        caption=entry["caption"],
        references=[Reference(**reference) for reference in entry["references"]],
        kind=entry["kind"],
        entry={key: value for key, value in entry.items() if key not in words} | {"anchor": anchor, "number": number},
    )
