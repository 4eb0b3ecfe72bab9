"""The figures and tables of works, and which figures of a report correspond to them. Imports nothing heavy."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from nodescope.works.work import Work


@dataclass(frozen=True)
class PublishedFigure:
    """Figures or tables of a work that show the same thing, and the figures of a report that correspond to them.

    Attributes
    ----------
    numbers : str
        As the work numbers them: ``figures 4.3-4.5, A.1``; or in words if it does not.
    content : str
        What they show.
    figures : tuple of str
        The names of the corresponding figures of a report; ``*`` stands for any text. Empty: a report has none.
    standard_errors : bool
        Whether the work shows means with one standard error, so that the report does the same.
    """

    numbers: str
    content: str
    figures: tuple[str, ...] = ()
    standard_errors: bool = False

    def corresponds_to(self, figure: str) -> bool:
        """Whether the figure of a report with that name is one of `figures`."""
        return any(fnmatchcase(figure, pattern) for pattern in self.figures)


@dataclass(frozen=True)
class Reference:
    """Where a work, named as it is cited, shows what a figure of a report shows."""

    work: str
    numbers: str

    def __str__(self) -> str:
        return f"{self.work}, {self.numbers}"


def figures_of(work: Work) -> tuple[PublishedFigure, ...]:
    """The figures and tables of a work."""
    module = work.module("figures")
    figures: tuple[PublishedFigure, ...] = () if module is None else module.FIGURES
    return figures


def references(works: Iterable[Work], figure: str) -> list[Reference]:
    """Where the works show what the figure of a report with that name shows."""
    return [
        Reference(work.citation, published.numbers)
        for work in works
        for published in figures_of(work)
        if published.corresponds_to(figure)
    ]


def has_standard_errors(works: Iterable[Work], figure: str) -> bool:
    """Whether one of the works shows standard errors in its counterpart of the figure of a report with that name."""
    return any(
        published.standard_errors
        for work in works
        for published in figures_of(work)
        if published.corresponds_to(figure)
    )


def single_numbers(numbers: str) -> list[str]:
    """The figures and tables one by one, ranges written out.

    >>> single_numbers("figures 4.3-4.5, A.1")
    ['figure 4.3', 'figure 4.4', 'figure 4.5', 'figure A.1']
    >>> single_numbers("figures 2, 3 and table 5.1")
    ['figure 2', 'figure 3', 'table 5.1']
    >>> single_numbers("relative entropy")
    ['relative entropy']
    """
    found = []
    kind = ""
    for word in re.findall(r"[^\s,;]+", numbers):
        if (named := re.fullmatch(r"(figure|table|section|equation)s?", word)) is not None:
            kind = named[1]
        elif kind and (span := re.fullmatch(r"([A-Z]|\d+)\.(\d+)-(?:\1\.)?(\d+)", word)) is not None:
            found += [f"{kind} {span[1]}.{number}" for number in range(int(span[2]), int(span[3]) + 1)]
        elif kind and re.fullmatch(r"(?:[A-Z]|\d+)(?:\.\d+)*[a-z]?", word) is not None:
            found.append(f"{kind} {word}")
    return found or [numbers]
