"""What a claim is."""

from collections.abc import Callable
from dataclasses import dataclass

from nodescope.reproduction.cases import Tables
from nodescope.reproduction.judging import Judgement

PRETORIUS = "Pretorius 2020"
HARTMANN = "Hartmann et al. 2021"
PARK = "Park 2022"


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
    """

    name: str
    work: str
    place: str
    statement: str
    statistic: str
    rule: str
    charts: tuple[str, ...]
    judge: Callable[[Tables], Judgement]
