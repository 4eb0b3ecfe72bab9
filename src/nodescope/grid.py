"""The grid of a study: its configurations, their identifiers, and where each stage keeps its files."""

import itertools
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from nodescope.config import Study

#: Axes that every configuration has; further ones follow where the study's grid names them.
BASE_AXES = ("depth", "width", "activation", "batch_norm")


@dataclass(frozen=True)
class Configuration:
    """One point of a study's grid, without the seed.

    Attributes
    ----------
    study, dataset, model : str
        Names.
    axes : tuple of (str, value)
        The grid axes in table order: depth, width, activation, batch_norm and those the study adds.
    """

    study: str
    dataset: str
    model: str
    axes: tuple[tuple[str, Any], ...]

    def __getitem__(self, axis: str) -> Any:
        return dict(self.axes)[axis]

    @property
    def identifier(self) -> str:
        """A short, stable, readable name that is safe as a path.

        >>> axes = (("depth", 4), ("width", 200), ("activation", "relu"), ("batch_norm", True))
        >>> Configuration("mnist", "mnist", "mlp", axes).identifier
        'relu-4x200-bn'
        """
        values = dict(self.axes)
        parts = [values["activation"].replace("_", ""), f"{values['depth']}x{values['width']}"]
        if values["batch_norm"]:
            parts.append("bn")
        parts += [str(value).replace("_", "") for axis, value in self.axes if axis not in BASE_AXES]
        return "-".join(parts)

    def keys(self) -> dict[str, Any]:
        """The key columns of this configuration in every table, without the seed."""
        return {"dataset": self.dataset, "model": self.model, **dict(self.axes)}


def configurations(study: "Study") -> list[Configuration]:
    """All configurations of a study, in the order of its grid."""
    axes = study.grid.axes()
    return [
        Configuration(study.name, study.dataset.name, study.model, tuple(zip(axes, values, strict=True)))
        for values in itertools.product(*axes.values())
    ]


def find_configuration(study: "Study", identifier: str) -> Configuration:
    """The configuration of that identifier."""
    return next(c for c in configurations(study) if c.identifier == identifier)


def states(study: "Study") -> list[str]:
    """The states that are recorded of every network, in the order of training, the kept one last."""
    return ["initial", *(f"epoch-{epoch}" for epoch in sorted(study.training.snapshots)), "trained"]


#: Tables that training gives, and those that follow from an analysis' table.
TRAINING_TABLES = ("learning_curves", "accuracy", "replicas")
SUMMARIES = {"sparsity": ("sparsity_summary",)}

#: Analyses that one job of a configuration makes together, since starting a job takes longer than each of them.
MADE_TOGETHER = {
    "statistics": ("statistics", "layer_distributions"),
    "networks": ("weights", "weight_distributions", "gradients"),
}


def made_together(study: "Study", job: str) -> tuple[str, ...]:
    """Those analyses of `MADE_TOGETHER` that the study has switched on."""
    return tuple(name for name in study.analyses.enabled() if name in MADE_TOGETHER[job])


def analysis_jobs(study: "Study") -> list[tuple[str, ...]]:
    """The jobs that measure a configuration, each with the analyses that it makes."""
    shared = [made_together(study, job) for job in MADE_TOGETHER]
    alone = set(study.analyses.enabled()).difference(*shared)
    return [(name,) for name in study.analyses.enabled() if name in alone] + [names for names in shared if names]


def table_names(study: "Study") -> list[str]:
    """The collected tables of a study."""
    analyses = study.analyses.enabled()
    return [*TRAINING_TABLES, *analyses, *(summary for name in analyses for summary in SUMMARIES.get(name, ()))]


def manifest(study: "Study") -> "pl.DataFrame":
    """One row per configuration: ``configuration`` (its identifier) and the key columns."""
    import polars as pl

    return pl.DataFrame([{"configuration": c.identifier, **c.keys()} for c in configurations(study)])


# --- where files lie -------------------------------------------------------------------------------------


def model_path(folder: str | PurePosixPath, seed: int, state: str) -> PurePosixPath:
    """A network's file below the models folder of its configuration."""
    return PurePosixPath(folder) / f"seed-{seed}" / f"{state}.safetensors"


def activation_path(folder: str | PurePosixPath, seed: int, state: str, split: str, layer: int | str) -> PurePosixPath:
    """An activation file below the activations folder of its configuration; ``layer`` is 1-based or ``output``."""
    name = "output" if layer == "output" else f"layer-{layer}"
    return PurePosixPath(folder) / f"seed-{seed}" / state / split / f"{name}.parquet"
