"""Which networks of a study diverged, said the same in the training's log, at the end of a run and on the page.

A network has diverged when the loss of one of its epochs was not finite; then the parameters of an earlier epoch are
kept, if there is one. A configuration all of whose networks diverged has no result, whatever its kept parameters score.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.messages.words import DIVERGENCE_HINT
from nodescope.study.axes import CONFIGURATION, Configurations

if TYPE_CHECKING:
    import polars as pl

    from nodescope.config.study import Study


@dataclass(frozen=True)
class Divergence:
    """How many of the kept networks of a configuration diverged."""

    identifier: str
    label: str
    diverged: int
    networks: int

    @property
    def wholly(self) -> bool:
        """Whether no network is left."""
        return self.diverged == self.networks


def divergences(configurations: Configurations, replicas: "pl.DataFrame") -> list[Divergence]:
    """The configurations of which a kept network diverged, in the order of the study; ``replicas`` is the collected table."""
    import polars as pl

    ends = replicas.filter("chosen").group_by(CONFIGURATION).agg(pl.col("diverged_epoch").count(), networks=pl.len())
    counts = {name: (diverged, networks) for name, diverged, networks in ends.iter_rows()}
    found = []
    for identifier, label in configurations.labels.items():
        diverged, networks = counts.get(identifier, (0, 0))
        if diverged:
            found.append(Divergence(identifier, label, diverged, networks))
    return found


def sentences(found: list[Divergence]) -> list[str]:
    """What there is to say of a study, for people: nothing where no network diverged."""
    said = []
    wholly = [one.label for one in found if one.wholly]
    partly = [one for one in found if not one.wholly]
    if wholly:
        configurations = "this configuration" if len(wholly) == 1 else f"these {len(wholly)} configurations"
        said.append(f"Every network of {configurations} diverged, so it has no results: {'; '.join(wholly)}.")
    if partly:
        counts = "; ".join(f"{one.diverged} of {one.networks} of {one.label}" for one in partly)
        networks = sum(one.diverged for one in partly)
        said.append(f"{networks} further network{'s' * (networks > 1)} diverged: {counts}." if wholly else
                    f"{networks} network{'s' * (networks > 1)} diverged: {counts}.")  # fmt: skip
    return said


def results_of(accuracy: "pl.DataFrame", replicas: "pl.DataFrame") -> "pl.DataFrame":
    """The accuracies, null where every network of the configuration diverged; of the collected tables."""
    import polars as pl

    wholly = pl.col("diverged_epoch").is_not_null().all().alias("wholly")
    ends = replicas.filter("chosen").group_by(CONFIGURATION).agg(wholly)
    return (
        accuracy.join(ends, on=CONFIGURATION, how="left", maintain_order="left")
        .with_columns(accuracy=pl.when(~pl.col("wholly").fill_null(value=False)).then("accuracy"))
        .drop("wholly")
    )


def divergence_report(studies: list["Study"], results: str | Path, since: float) -> list[str]:
    """A line for the terminal per study and thing to say; from the collected tables that were written since."""
    from nodescope.storage.tables import read_table
    from nodescope.study.layout import StudyFiles

    lines = []
    for study in studies:
        path = StudyFiles.of(study.name, results).table("replicas")
        if path.is_file() and path.stat().st_mtime >= since:
            said = sentences(divergences(Configurations.of(study), read_table(path)))
            lines += [f"Study {study.name}: {sentence}" for sentence in said]
    return [*lines, DIVERGENCE_HINT] if lines else []
