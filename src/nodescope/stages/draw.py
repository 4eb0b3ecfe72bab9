"""Draw the figures of a study: for the page, and as files for a paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nodescope.charts import drawing
from nodescope.config.charts import Charts
from nodescope.study.layout import StudyFiles


def draw(
    files: StudyFiles,
    description: str | Path,
    *,
    charts: Sequence[str],
    options: Mapping[str, Any],
    states: list[str],
    works: list[str],
    inspector: bool,
) -> None:
    """Draw all figures of a study for the page, below `StudyFiles.charts` and `StudyFiles.page_data`.

    Parameters
    ----------
    files
        Where its collected tables lie.
    description
        Of its prepared data set.
    charts
        Names of charts, in order.
    options
        The section ``charts`` of the config.
    inspector
        Whether the page lets its readers look into single nodes.
    """
    drawing.draw(
        files.folder.name,
        list(charts),
        files.tables,
        description,
        Charts.model_validate(options),
        states,
        files.charts,
        files.page_data,
        inspector=inspector,
        works=works,
    )


def draw_files(
    files: StudyFiles,
    description: str | Path,
    folder: str | Path,
    *,
    charts: Sequence[str],
    options: Mapping[str, Any],
    states: list[str],
    works: list[str],
) -> None:
    """Draw each figure of each configuration as SVG, PNG and Vega-Lite JSON into a folder; parameters as of `draw`."""
    drawing.draw_files(
        list(charts), files.tables, description, Charts.model_validate(options), states, folder, works=works
    )
