"""Draw the figures of a study: for the page, and as files for a paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nodescope.charts import drawing
from nodescope.charts.context import Context
from nodescope.config.charts import Charts
from nodescope.study.layout import StudyFiles


def draw(
    files: StudyFiles,
    description: str | Path,
    *,
    charts: Sequence[str],
    left_out: Mapping[str, str],
    options: Mapping[str, Any],
) -> None:
    """Make all figures of a study for the page: `StudyFiles.figure_index` and what is below `StudyFiles.page_data`.

    Parameters
    ----------
    files
        Where its collected tables lie.
    description
        Of its prepared data set.
    charts
        Names of charts, in order.
    left_out
        Names of charts that the study cannot have, and why.
    options
        The section ``charts`` of the config.
    """
    context = Context.read(files, description, Charts.model_validate(options))
    study = files.folder.name
    drawing.draw(study, charts, files, context, files.page_data, left_out=left_out)


def draw_files(
    files: StudyFiles, description: str | Path, folder: str | Path, *, charts: Sequence[str], options: Mapping[str, Any]
) -> None:
    """Draw each figure of each configuration as SVG, PNG, PDF and Vega-Lite JSON into a folder; parameters as of `draw`."""
    drawing.draw_files(charts, files, Context.read(files, description, Charts.model_validate(options)), folder)
