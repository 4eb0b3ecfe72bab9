"""Put the tables of all configurations of a study together."""

import polars as pl

from nodescope.analyses import registered, summaries
from nodescope.config.analyses import Analyses
from nodescope.storage.tables import read_table, scan_table, write_table
from nodescope.study.axes import Configurations
from nodescope.study.layout import StudyFiles


def collect(name: str, configurations: Configurations, files: StudyFiles) -> pl.DataFrame:
    """The tables of all configurations, one after another, with the values of the axes after ``configuration``."""
    frames = [read_table(files.table_of(name, identifier)) for identifier in configurations.identifiers]
    return configurations.collected(pl.concat(frames))


def compare(name: str, configurations: Configurations, files: StudyFiles, analyses: Analyses) -> pl.DataFrame:
    """The table of an analysis that compares configurations, from what was kept of each."""
    across = registered()[name].across
    assert across is not None
    kept = {identifier: scan_table(files.table_of(name, identifier)) for identifier in configurations.identifiers}
    return configurations.collected(across.make(kept, analyses[name]))


def collect_tables(names: list[str], configurations: Configurations, files: StudyFiles, analyses: Analyses) -> None:
    """Write the tables of a study, each from those of its configurations or from the table that it sums up.

    Parameters
    ----------
    names
        Of the tables, from `nodescope.study.contents.measured_tables`.
    analyses
        The options of the study's analyses.
    """
    for name in names:
        if name in summaries():
            source, make = summaries()[name]
            table = make(read_table(files.table(source)))
        elif name in registered() and registered()[name].across:
            table = compare(name, configurations, files, analyses)
        else:
            table = collect(name, configurations, files)
        write_table(table, files.table(name), files.table(name, "csv"))
