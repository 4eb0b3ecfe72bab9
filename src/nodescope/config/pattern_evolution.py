"""Section ``pattern_evolution``: patterns through training."""

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)

from nodescope.config.fields import Count, PositiveNumber, Section


class MeasuringTimes(Section):
    """How often is measured, from where the rule before this one ends."""

    until_epoch: PositiveNumber | None = Field(
        None, description="epoch at which this rule ends; default: the end of training"
    )
    every_steps: Count | None = Field(None, description="measure every so many steps")
    every_epochs: PositiveNumber | None = Field(None, description="measure every so many epochs, e.g. 0.5")

    @model_validator(mode="after")
    def _one_interval(self) -> "MeasuringTimes":
        if (self.every_steps is None) == (self.every_epochs is None):
            raise ValueError("needs either every_steps or every_epochs")
        return self


class PatternEvolution(Section):
    """Patterns of switched-on nodes of every layer, counted at many times of the training."""

    split: Literal["train", "validation"] = Field("train", description="split whose samples are used")
    samples: Count | None = Field(
        None,
        description="number of samples, drawn once; default: all. Time and memory are proportional to it. The "
        "statistics of batch normalisation are recomputed at each time from as many training samples, but at least "
        "256",
    )
    schedule: Annotated[list[MeasuringTimes], Field(min_length=1)] = Field(
        [MeasuringTimes(until_epoch=1, every_steps=1), MeasuringTimes(every_epochs=0.5)],
        description="when to measure, in addition to before the first and after the last step: consecutive rules, "
        "each with every_steps or every_epochs, and until_epoch unless it lasts until the end of training",
    )
    final_every_epochs: PositiveNumber = Field(
        0.5, description="patterns are stored every so many epochs during training for the comparison with the end"
    )
    hamming_samples: Count = Field(200, description="number of samples whose patterns are compared between times")
