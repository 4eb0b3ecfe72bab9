"""The whole configuration."""

from typing import Literal

from pydantic import (
    Field,
)

from nodescope.config.charts import Charts
from nodescope.config.fields import Flag, LocalPath, PositiveNumber, Section
from nodescope.config.report import Report
from nodescope.config.study import Study


class Config(Section):
    """The whole configuration."""

    data_root: LocalPath = Field(
        "data",
        description="folder in which torchvision's data sets lie, or into which they are downloaded",
    )
    download: Flag = Field(True, description="false never downloads a data set; a missing one is then an error")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where networks are trained; auto takes a GPU where there is one"
    )
    activations_limit_gb: PositiveNumber = Field(
        20, description="recorded activations of a study above this estimate are deleted after their last analysis"
    )
    charts: Charts = Charts()
    report: Report = Report()
    custom_rules: list[LocalPath] = Field(
        [],
        description="files of rules of your own, read after all others; paths are those of the working directory. They can "
        "use config, flow (see nodescope.workflow), and results as inputs",
    )
    studies: list[Study] = Field(min_length=1, description="one entry per study")
