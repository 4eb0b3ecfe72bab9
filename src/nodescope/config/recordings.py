"""Section ``recordings``: activations that were recorded elsewhere."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from nodescope.config.fields import Distinct, LocalPath, Section
from nodescope.config.patterns import PLACEHOLDER, placeholders, problem_with_pattern
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS

#: How the files of a folder are named that `nodescope.record` and its relatives wrote.
WRITTEN = "{configuration}/seed-{seed}/{state}/{split}/{layer}.parquet"
#: Placeholders of recordings that are no axes.
OF_RECORDINGS = ("seed", "epoch", "step", "state", "split", "layer", "ext")
#: What files of recordings are read as, by their suffix.
SUFFIXES = (".parquet", ".csv", ".npy", ".npz")


def _text(value: Any) -> Any:
    """A whole number is a fine name."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _pattern_of_recordings(pattern: str) -> str:
    if not placeholders(pattern):
        return pattern
    problem = problem_with_pattern(pattern, allowed=OF_RECORDINGS, required=("layer",))
    if problem is None and not pattern.endswith((*SUFFIXES, "{ext}")):
        problem = f"{pattern}: the suffix must be {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
    if problem:
        raise ValueError(f"{problem}. Hint: out/{{activation}}/seed-{{seed}}/{{split}}/{{layer}}.parquet")
    return pattern


Named = Annotated[str, BeforeValidator(_text), Field(min_length=1)]


class Recordings(Section):
    """Activations that were recorded elsewhere, one file per network, state, split and layer."""

    files: Annotated[LocalPath, AfterValidator(_pattern_of_recordings)] = Field(
        description="such as out/{activation}/seed-{seed}/{split}/{layer}.parquet (or .csv, .npy, .npz): {layer} is "
        "required; {seed}, {epoch}, {step}, {state} and {split} are seeds, states and splits, every other placeholder is "
        "an axis; or a folder that nodescope.record wrote"
    )
    values: Literal["pre_activation", "output"] | None = Field(
        None,
        description="what the values are: pre_activation (what enters an activation function) or output; default: what "
        "the files say, or output",
    )
    activation: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="the activation function behind pre-activations, such as relu; '{activation}' if a placeholder of "
        "files names it",
    )
    layer_order: Annotated[list[Named], Field(min_length=1), Distinct] | None = Field(
        None,
        description="the layers in the order of computation; default: by the numbers in their names, then by the alphabet",
    )
    classes: Annotated[list[Named], Field(min_length=1), Distinct] | None = Field(
        None, description="names of the classes, in the order of their numbers; default: the labels as they are"
    )

    @property
    def pattern(self) -> str:
        """The pattern of the files; of a folder that nodescope wrote, too."""
        return self.files if placeholders(self.files) else f"{self.files.rstrip('/')}/{WRITTEN}"

    def activation_of(self, values: dict[str, Any]) -> str | None:
        """The activation function of files with these values of the placeholders."""
        return self.activation and PLACEHOLDER.sub(lambda found: str(values[found[1]]), self.activation)

    @model_validator(mode="after")
    def _consistent(self) -> "Recordings":
        if self.values == "pre_activation" and self.activation is None:
            raise ValueError(f"values: pre_activation needs activation: one of {', '.join(ACTIVATION_FUNCTIONS)}")
        if self.activation is None:
            return self
        if self.values == "output":
            raise ValueError(
                "outputs have no activation function. Hint: values: pre_activation, or leave activation out"
            )
        used, there = placeholders(self.activation), placeholders(self.files)
        unknown = [name for name in used if name not in there]
        if unknown:
            raise ValueError(f"activation: files have no placeholder {{{unknown[0]}}}")
        if not used and self.activation not in ACTIVATION_FUNCTIONS:
            raise ValueError(
                f"unknown activation function '{self.activation}'. Allowed: {', '.join(ACTIVATION_FUNCTIONS)}"
            )
        return self
