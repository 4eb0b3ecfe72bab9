"""What a claim is."""

from collections.abc import Callable
from dataclasses import dataclass

from nodescope.works import works
from nodescope.works.cases import Tables
from nodescope.works.judging import Judgement

PRETORIUS = works.PRETORIUS.citation
HARTMANN = works.HARTMANN.citation
PARK = works.PARK.citation


@dataclass(frozen=True)
class Claim:
    """A claim of a published work, and how it is judged.

    Attributes
    ----------
    name : str
        Short, unique.
    work, place : str
        Where it is made, or shown.
    statement : str
        What is claimed.
    statistic : str
        The value of a case, in words and with its unit.
    rule : str
        When it holds, does not, or cannot be told.
    charts : tuple of str
        The kinds of charts to look at.
    judge : function
        From collected tables to the judgement; raises `NotRun` where what it needs is not there.
    of_any_data : bool
        Whether the work makes it of networks on whatever data.
    """

    name: str
    work: str
    place: str
    statement: str
    statistic: str
    rule: str
    charts: tuple[str, ...]
    judge: Callable[[Tables], Judgement]
    of_any_data: bool = False
