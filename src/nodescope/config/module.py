"""Section ``module``: networks of the user's own, built by a function and filled from checkpoints."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, create_model, model_validator

from nodescope.config.fields import Distinct, Flag, FunctionPath, LocalPath, Section
from nodescope.config.patterns import placeholders, problem_with_pattern

#: Placeholders of checkpoints that are no axes.
OF_CHECKPOINTS = ("seed", "epoch", "step", "state")
#: Keys that say how checkpoints are read.
_OF_READING = ("weights", "ignore", "trust")


def _pattern_of_checkpoints(pattern: str) -> str:
    if problem := problem_with_pattern(pattern, allowed=OF_CHECKPOINTS):
        raise ValueError(problem)
    return pattern


# A word of Python cannot be the name of a field in a class.
_Arguments = create_model(
    "_Arguments",
    __base__=Section,
    **{"with": (dict[str, JsonValue], Field({}, description="further arguments of the function"))},  # type: ignore[call-overload]
)


class Module(_Arguments):
    """Networks that a function of your own builds, with the weights of your checkpoints."""

    make: FunctionPath = Field(
        description="the function that returns the network (an nn.Module), as my_net.py:build or package.module:build. "
        "The file is executed; paths are relative to the working directory"
    )
    checkpoints: Annotated[LocalPath, AfterValidator(_pattern_of_checkpoints)] | None = Field(
        None,
        description="files of weights, such as runs/{width}/seed-{seed}/epoch-{epoch}.pt: {seed}, {epoch}, {step} and "
        "{state} are seeds and states, every other placeholder is an axis and an argument of make if it has a parameter of "
        "that name; default: the networks as make returns them",
    )
    preprocess: FunctionPath | None = Field(
        None,
        description="a function that turns a batch of the data set into what the network takes: a tensor, a tuple or a "
        "dict (arguments by name); default: the batch as it is",
    )
    mask: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="the input whose zeros are no positions (padding); default: attention_mask if there is such an input",
    )
    axis: int | None = Field(
        None,
        description="which axis of tensors with positions are the nodes, from 0 on (the samples') or -1, -2, ... from the end; "
        "default: found by the layer before, and asked for where that leaves it open",
    )
    weights: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="the key of the weights in a checkpoint; only needed if it holds several sets"
    )
    ignore: Annotated[list[Annotated[str, Field(min_length=1)]], Distinct] = Field(
        [],
        description="patterns of tensors that may be missing in a checkpoint or in the network, such as 'head.*'; missing "
        "ones keep the values that make gave them",
    )
    trust: Flag = Field(
        False,
        description="true also reads checkpoints that hold more than tensors and plain values, which can execute code: "
        "only for files of your own",
    )
    state: Literal["initial", "trained"] | None = Field(
        None, description="what networks without checkpoints are called: initial or trained; default: trained"
    )

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The further arguments of `make`."""
        return getattr(self, "with")

    @model_validator(mode="after")
    def _consistent(self) -> "Module":
        if self.axis == 0:
            raise ValueError("axis 0 are the samples. Hint: axis: 1 for channels, axis: -1 for the features of tokens")
        if self.checkpoints is None:
            given = [key for key in _OF_READING if getattr(self, key)]
            if given:
                raise ValueError(f"{' and '.join(given)} cannot be used without checkpoints. Hint: leave it out")
        elif self.state is not None:
            raise ValueError(
                "state names networks without checkpoints; with checkpoints, the files do. Hint: leave it out"
            )
        else:
            both = [name for name in placeholders(self.checkpoints) if name in self.arguments]
            if both:
                raise ValueError(
                    f"{both[0]} stands in with and is a placeholder of checkpoints. Hint: remove one of them"
                )
        return self
