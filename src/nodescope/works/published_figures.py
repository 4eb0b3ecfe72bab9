"""The figures and tables of works, and which figures of a report correspond to them. Imports nothing heavy."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from nodescope.works.work import Work


@dataclass(frozen=True)
class PublishedFigure:
    """Figures or tables of a work that show the same thing, and the figures of this report that correspond to them.

    Attributes
    ----------
    numbers : str
        As the work numbers them: ``figures 4.3-4.5, A.1``; or in words where it does not.
    content : str
        What they show.
    figures : tuple of str
        The names of the corresponding figures of a report; ``*`` stands for any text. Empty: the report has none.
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


def figures_of(work: Work) -> tuple[PublishedFigure, ...]:
    """The figures and tables of a work."""
    module = work.module("figures")
    figures: tuple[PublishedFigure, ...] = () if module is None else module.FIGURES
    return figures
