"""Section ``charts``: how the figures look."""

from typing import Annotated

from pydantic import (
    Field,
)

from nodescope.config.fields import MAYBE_IN_QUOTES, Section

Colour = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]


class Charts(Section):
    """How the figures look."""

    width: Annotated[int, Field(strict=True, ge=100, le=4000), MAYBE_IN_QUOTES] = Field(
        280, description="width of a panel in pixels"
    )
    height: Annotated[int, Field(strict=True, ge=80, le=4000), MAYBE_IN_QUOTES] = Field(
        190, description="height of a panel in pixels"
    )
    class_colours: Annotated[list[Colour], Field(min_length=2)] = Field(
        [
            "#4b97e4", "#cc0c34", "#0e7215", "#e9c956", "#b289cd",
            "#971c72", "#7f4e23", "#fd8443", "#30359c", "#26bd96",
        ],
        description="one colour per class; with more classes than colours, three classes are in colour and the "
        "others grey",
    )  # fmt: skip
