"""Put the tables of all configurations of a study together."""

import polars as pl

from nodescope.analyses import summaries
from nodescope.storage.tables import read_table, write_table
from nodescope.study.layout import StudyFiles


def collect(paths: list[str]) -> pl.DataFrame:
    """The tables of all configurations, one after another."""
    return pl.concat([read_table(path) for path in paths])


def collect_tables(names: list[str], identifiers: list[str], files: StudyFiles) -> None:
    """Write the tables of a study, each from those of its configurations or from the table that it sums up.

    Parameters
    ----------
    names
        Of the tables, from `nodescope.study.contents.measured_tables`.
    identifiers
        Of the configurations.
    files
        Where they lie.
    """
    for name in names:
        if name in summaries():
            source, make = summaries()[name]
            table = make(read_table(files.table(source)))
        else:
            table = collect([str(files.table_of(name, identifier)) for identifier in identifiers])
        write_table(table, files.table(name), files.table(name, "csv"))
