"""Which figure of this report corresponds to which figure or table of a published work, by number."""

from collections.abc import Iterable
from dataclasses import dataclass

from nodescope.report.page_figures import PageFigure
from nodescope.works.published_figures import figures_of, single_numbers
from nodescope.works.registry import WORKS


@dataclass(frozen=True)
class Here:
    """A figure of this report that corresponds to published ones.

    ``differs`` says how its study differs from the work, where it does.
    """

    study: str
    figure: PageFigure
    differs: str


@dataclass(frozen=True)
class Entry:
    """Figures or tables of a work that show the same thing, and the figures of this report that correspond to them.

    ``numbers`` is as the work numbers them, ``singles`` names each by itself.
    """

    numbers: str
    singles: list[str]
    content: str
    found: list[Here]


@dataclass(frozen=True)
class WorkIndex:
    """A published work and its figures and tables by number."""

    title: str
    entries: list[Entry]


def index_of(figures: Iterable[tuple[str, str, PageFigure]]) -> list[WorkIndex]:
    """The index of all works that figures refer to; what a work shows and no figure corresponds to is listed too.

    Parameters
    ----------
    figures
        Name of the study, kind of its data, and figure.
    """
    found: dict[tuple[str, str], list[tuple[str, str, PageFigure]]] = {}
    for study, source, figure in figures:
        for reference in figure.references:
            here = found.setdefault((reference.work, reference.numbers), [])
            if all((study, figure.anchor) != (name, other.anchor) for name, _, other in here):
                here.append((study, source, figure))
    index = []
    for work in WORKS.values():
        if any(citation == work.citation for citation, _ in found):
            entries = [
                Entry(
                    shown.numbers,
                    single_numbers(shown.numbers),
                    shown.content,
                    [
                        Here(
                            study,
                            figure,
                            "" if source in work.datasets else f"{source}, not {' or '.join(work.datasets)}",
                        )
                        for study, source, figure in found.get((work.citation, shown.numbers), [])
                    ],
                )
                for shown in figures_of(work)
            ]
            index.append(WorkIndex(work.title, sorted(entries, key=lambda entry: _order(entry.singles[0]))))
    return index


def _order(name: str) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Chapters before appendices, numbers as numbers, figures and tables of a chapter together."""
    kind, _, number = name.rpartition(" ")
    parts = [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in number.split(".")]
    return kind not in ("figure", "table"), [*parts, (True, 0, kind)]
