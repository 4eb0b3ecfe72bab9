"""Which figure of this report corresponds to which figure or table of a published work, by number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodescope.works.published_figures import figures_of
from nodescope.works.registry import WORKS

if TYPE_CHECKING:
    from nodescope.report.page import PageFigure


@dataclass(frozen=True)
class Entry:
    """A figure or table of a work, and the figures of this report that correspond to it."""

    name: str
    content: str
    found: list[tuple[str, "PageFigure"]]


@dataclass(frozen=True)
class Work:
    """A published work and its figures and tables by number."""

    title: str
    entries: list[Entry]


def index_of(figures: Iterable[tuple[str, "PageFigure"]]) -> list[Work]:
    """The index of all works.

    Parameters
    ----------
    figures
        Name of the study, and figure.
    """
    found: dict[str, dict[str, list[tuple[str, PageFigure]]]] = {}
    for study, figure in figures:
        if not figure.work or ", " in figure.work:  # its study is not held against it
            continue
        of_work = found.setdefault(figure.work, {})
        for name in numbers(figure.reference):
            of_work.setdefault(name, []).append((study, figure))
    works = []
    known = {work.citation: work for work in WORKS.values()}
    for work, of_work in found.items():
        contents = {name: shown.content for shown in figures_of(known[work]) for name in numbers(shown.numbers)}
        names = sorted({*of_work, *contents}, key=_order)
        entries = [
            Entry(name, contents.get(name) or of_work[name][0][1].title, of_work.get(name, [])) for name in names
        ]
        works.append(Work(known[work].title, entries))
    return works


def numbers(reference: str) -> list[str]:
    """The single figures and tables that a reference names, ranges written out.

    >>> numbers("figures 4.3-4.5, A.1")
    ['figure 4.3', 'figure 4.4', 'figure 4.5', 'figure A.1']
    >>> numbers("figures 2, 3 and table 5.1")
    ['figure 2', 'figure 3', 'table 5.1']
    >>> numbers("relative entropy")
    ['relative entropy']
    """
    found = []
    kind = ""
    for word in re.findall(r"[^\s,;]+", reference):
        if (named := re.fullmatch(r"(figure|table|section|equation)s?", word)) is not None:
            kind = named[1]
        elif kind and (span := re.fullmatch(r"([A-Z]|\d+)\.(\d+)-(?:\1\.)?(\d+)", word)) is not None:
            found += [f"{kind} {span[1]}.{number}" for number in range(int(span[2]), int(span[3]) + 1)]
        elif kind and re.fullmatch(r"(?:[A-Z]|\d+)(?:\.\d+)*[a-z]?", word) is not None:
            found.append(f"{kind} {word}")
    return found or [reference]


def _order(name: str) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Chapters before appendices, numbers as numbers, figures and tables of a chapter together."""
    kind, _, number = name.rpartition(" ")
    parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in number.split(".")]
    return kind not in ("figure", "table"), [*parts, (True, 0, kind)]
