"""Section ``analyses``: what is measured, and how. Each analysis declares its own section in `nodescope.analyses`."""

from typing import TYPE_CHECKING, Any, cast

from pydantic import create_model

from nodescope.analyses import registered
from nodescope.config.analysis_fields import LayerOptions, NetworkOptions
from nodescope.config.fields import Section


class _Analyses(Section):
    """Analyses of the recorded activations and of the networks."""

    def __getitem__(self, name: str) -> Any:
        """The options of an analysis."""
        return getattr(self, name)

    def enabled(self) -> list[str]:
        """Names of the analyses that are switched on, in the order of the report."""
        return [name for name in registered() if cast("LayerOptions | NetworkOptions", self[name]).enabled]

    def options(self, names: "list[str] | tuple[str, ...]") -> dict[str, Any]:
        """The options of some analyses, by name."""
        return {name: self[name] for name in names}


if TYPE_CHECKING:
    Analyses = _Analyses
else:
    Analyses = create_model(
        "Analyses",
        __base__=_Analyses,
        __doc__=_Analyses.__doc__,
        __module__=__name__,
        **{name: (analysis.options, analysis.options()) for name, analysis in registered().items()},
    )
