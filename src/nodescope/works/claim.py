"""What a claim is."""

from collections.abc import Callable
from dataclasses import dataclass

from nodescope.works.cases import Tables
from nodescope.works.judging import Judgement


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim of a published work, and how it is judged.

    Attributes
    ----------
    name : str
        Short, unique among the claims of all works.
    place : str
        Where the work makes or shows it.
    statement : str
        What is claimed.
    axes : tuple of str
        The axes that it is about; a study that lacks one cannot judge it.
    statistic : str
        The value of a case, in words and with its unit.
    rule : str
        When it holds, does not, or cannot be told.
    charts : tuple of str
        The kinds of charts to look at.
    judge : function
        From collected tables to the judgement; raises `nodescope.works.judging.NotRun` if they lack what it needs.
    of_any_data : bool
        Whether the work makes it of networks on whatever data.
    """

    name: str
    place: str
    statement: str
    axes: tuple[str, ...] = ()
    statistic: str
    rule: str
    charts: tuple[str, ...]
    judge: Callable[[Tables], Judgement]
    of_any_data: bool = False
