"""The whole configuration."""

from typing import Literal, Self

from pydantic import Field, model_validator

from nodescope.config.charts import Charts
from nodescope.config.fields import Flag, LocalPath, PositiveNumber, Section
from nodescope.config.report import Report
from nodescope.config.study import JoinedStudy, StudyEntry


class Config(Section):
    """The whole configuration."""

    data_root: LocalPath = Field(
        "data",
        description="folder of torchvision's data sets; missing ones are downloaded into it",
    )
    download: Flag = Field(True, description="false disables downloads; a missing data set is then an error")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="device on which networks are trained; auto uses a GPU if available"
    )
    activations_limit_gb: PositiveNumber = Field(
        20,
        description="recorded activations of a study are deleted after the last analysis if their estimated size "
        "exceeds this",
    )
    charts: Charts = Charts()
    report: Report = Report()
    custom_rules: list[LocalPath] = Field(
        [],
        description="additional Snakemake rule files, included last; paths are relative to the working directory. "
        "Rules can use config, flow (see nodescope.workflow), and any results as inputs",
    )
    studies: list[StudyEntry] = Field(min_length=1, description="one entry per study")

    @model_validator(mode="after")
    def _join(self) -> Self:
        """Give studies of studies their parts."""
        studies = {study.name: study for study in self.studies}
        for place, study in enumerate(self.studies):
            if isinstance(study, JoinedStudy):
                try:
                    self.studies[place] = study.joining(studies)
                except ValueError as error:
                    raise ValueError(f"study '{study.name}', join: {error}") from error
        return self
