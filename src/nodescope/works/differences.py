"""In what a study departs from the protocols of the works that it names."""

from typing import TYPE_CHECKING

import polars as pl

from nodescope.works.protocol import Setting
from nodescope.works.registry import works_of
from nodescope.works.tables import DIFFERENCES
from nodescope.works.work import Work

if TYPE_CHECKING:
    from nodescope.config.study import FamilyStudy


def differences(study: "FamilyStudy") -> pl.DataFrame:
    """One row per setting that differs, see `nodescope.works.tables.DIFFERENCES`."""
    rows = [
        {
            "work": work.citation,
            "what": setting.what,
            "published": setting.published,
            "ours": ours,
            "effect": setting.effect,
        }
        for work in works_of(study.works)
        for setting in _protocol_of(work)
        if (ours := setting.ours(study)) not in (None, setting.published)
    ]
    return pl.DataFrame(rows, schema=DIFFERENCES.schema())


def _protocol_of(work: Work) -> tuple[Setting, ...]:
    module = work.module("protocol")
    settings: tuple[Setting, ...] = () if module is None else module.PROTOCOL
    return settings
