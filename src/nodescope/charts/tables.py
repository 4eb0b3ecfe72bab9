"""All tables of a study as they are declared: what charts, page and documentation know of their columns."""

from functools import cache

from nodescope.analyses import registered
from nodescope.datasets.samples import SAMPLES
from nodescope.findings.comparisons import COMPARISONS
from nodescope.findings.diagnosis import DIAGNOSIS, REMEDIES
from nodescope.storage.columns import Quantity, Table
from nodescope.storage.tables import CLASSES
from nodescope.training import tables as training
from nodescope.works import tables as works


@cache
def declared_tables() -> dict[str, Table]:
    """The tables by name, in the order of `nodescope.study.contents.table_names`."""
    analyses = registered().values()
    tables = (
        CLASSES,
        *training.TABLES,
        *(table for analysis in analyses for table in analysis.tables),
        *(analysis.across.table for analysis in analyses if analysis.across),  # in place of what is kept for them
        *(summary.table for analysis in analyses for summary in analysis.summaries),
        SAMPLES,
        COMPARISONS,
        DIAGNOSIS,
        REMEDIES,
        *works.TABLES,
    )
    return {table.name: table for table in tables}


def quantity_of(table: str, column: str) -> Quantity:
    """What a column of a table holds.

    >>> quantity_of("sparsity", "sparsity").text(0.25)
    '25.0 %'
    """
    return declared_tables()[table].quantities[column]
