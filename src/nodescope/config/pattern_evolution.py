"""Section ``pattern_evolution``: patterns through training."""

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)

from nodescope.config.fields import Count, PositiveNumber, Section


class MeasuringTimes(Section):
    """How often is measured, from where the rule before this one ends."""

    until_epoch: PositiveNumber | None = Field(None, description="where this rule ends; left out: with the training")
    every_steps: Count | None = Field(None, description="measure after every so many steps")
    every_epochs: PositiveNumber | None = Field(None, description="measure after every so many epochs, as 0.5")

    @model_validator(mode="after")
    def _one_interval(self) -> "MeasuringTimes":
        if (self.every_steps is None) == (self.every_epochs is None):
            raise ValueError("either every_steps or every_epochs is needed")
        return self


class PatternEvolution(Section):
    """Patterns of switched-on nodes of every layer, counted at many times of the training."""

    split: Literal["train", "validation"] = Field("train", description="samples that are run through the nets")
    samples: Count | None = Field(
        None,
        description="how many of them, drawn once; left out: all. Time and memory grow with them. Batch normalisation is "
        "settled anew at each time by as many training samples, at least 256",
    )
    schedule: Annotated[list[MeasuringTimes], Field(min_length=1)] = Field(
        [MeasuringTimes(until_epoch=1, every_steps=1), MeasuringTimes(every_epochs=0.5)],
        description="when to measure, beside before the first and after the last step: rules one after another, each "
        "with every_steps or every_epochs, and until_epoch where it ends before the training does",
    )
    final_every_epochs: PositiveNumber = Field(
        0.5, description="one time of every so many epochs is kept on disk during training, to be compared with the end"
    )
    hamming_samples: Count = Field(200, description="samples whose own patterns are compared between times")
