"""The figures of a study as the page lists them."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from nodescope.works.published_figures import Reference


@dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it.

    ``number`` is that of its chapter and its own, ``about`` says more than its caption, and ``entry`` is what the page's script
    needs of it.
    """

    number: str
    anchor: str
    title: str
    caption: str
    about: str
    references: list[Reference]
    kind: str
    entry: dict[str, Any]


@dataclass(frozen=True)
class Chapter:
    """A numbered part of a study's report, and its figures."""

    number: int
    anchor: str
    title: str
    figures: list[PageFigure]


def page_figure(entry: dict[str, Any], number: str, study: str) -> PageFigure:
    """A figure of the index of a study, with its number there."""
    anchor = f"{study}-{entry['name']}"
    words = {"caption", "about", "references", "section"}
    return PageFigure(
        number=number,
        anchor=anchor,
        title=entry["title"],
        caption=entry["caption"],
        about=entry.get("about", ""),
        references=[Reference(**reference) for reference in entry["references"]],
        kind=entry["kind"],
        entry={key: value for key, value in entry.items() if key not in words} | {"anchor": anchor, "number": number},
    )


def shown_elsewhere(entry: dict[str, Any], study: str, shown: PageFigure | None) -> PageFigure:
    """A figure that the page shows in another one, for the index of published figures: a link to the view there.

    Parameters
    ----------
    entry
        Of the static figure, with ``shown_in``.
    shown
        The figure of the page; None where the page shows it in a section: the methods.
    """
    references = [Reference(**reference) for reference in entry["references"]]
    target = entry["shown_in"]["figure"]
    if shown is None:
        return PageFigure(
            "methods", f"{study}-methods", entry["title"], entry["caption"], "", references, "section", {"name": target}
        )
    choices = {f"in:{shown.entry['name']}.{column}": value for column, value in entry["shown_in"]["choices"].items()}
    return replace(
        shown,
        anchor=shown.anchor + (f"?{urlencode(choices)}" if choices else ""),
        title=entry["title"],
        references=references,
    )
