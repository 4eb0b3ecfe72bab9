"""Which figure of this report corresponds to which figure or table of a published work, by number."""

from collections.abc import Iterable
from dataclasses import dataclass

from nodescope.report.page_figures import PageFigure
from nodescope.works.published_figures import figures_of, single_numbers
from nodescope.works.registry import WORKS


@dataclass(frozen=True)
class Entry:
    """A figure or table of a work, and the figures of this report that correspond to it, each with its study."""

    name: str
    content: str
    found: list[tuple[str, PageFigure]]


@dataclass(frozen=True)
class WorkIndex:
    """A published work and its figures and tables by number."""

    title: str
    entries: list[Entry]


def index_of(figures: Iterable[tuple[str, PageFigure]]) -> list[WorkIndex]:
    """The index of all works that figures refer to; what a work shows and no figure corresponds to is listed too.

    Parameters
    ----------
    figures
        Name of the study, and figure.
    """
    found: dict[str, dict[str, list[tuple[str, PageFigure]]]] = {}
    for study, figure in figures:
        for reference in figure.references:
            for name in single_numbers(reference.numbers):
                found.setdefault(reference.work, {}).setdefault(name, []).append((study, figure))
    index = []
    for work in WORKS.values():
        if work.citation in found:
            contents = {name: shown.content for shown in figures_of(work) for name in single_numbers(shown.numbers)}
            of_work = found[work.citation]
            names = sorted(contents, key=_order)
            index.append(WorkIndex(work.title, [Entry(name, contents[name], of_work.get(name, [])) for name in names]))
    return index


def _order(name: str) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Chapters before appendices, numbers as numbers, figures and tables of a chapter together."""
    kind, _, number = name.rpartition(" ")
    parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in number.split(".")]
    return kind not in ("figure", "table"), [*parts, (True, 0, kind)]
