"""Which networks of a study diverged, said the same in the training's log, at the end of a run and on the page.

A network has diverged when the loss of one of its epochs was not finite; then the parameters of an earlier epoch are
kept, if there is one. A configuration all of whose networks diverged has no result, whatever its kept parameters score.
A network whose loss stayed finite but is larger than before training, as with far too large a learning rate, keeps its
result and is named too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodescope.messages.words import DIVERGENCE_HINT, counted
from nodescope.study.axes import CONFIGURATION, Configurations

if TYPE_CHECKING:
    import polars as pl

    from nodescope.config.study import Study


@dataclass(frozen=True)
class Divergence:
    """How many of the kept networks of a configuration diverged, and of how many others the training loss rose."""

    identifier: str
    label: str
    diverged: int
    risen: int
    networks: int

    @property
    def wholly(self) -> bool:
        """Whether no network is left."""
        return self.diverged == self.networks


def divergences(configurations: Configurations, replicas: "pl.DataFrame", curves: "pl.LazyFrame") -> list[Divergence]:
    """The configurations of which a kept network diverged or its training loss rose, in the order of the study.

    Parameters
    ----------
    replicas, curves
        The collected tables ``replicas`` and ``learning_curves``.
    """
    import polars as pl

    kept = replicas.filter("chosen")
    ends = kept.group_by(CONFIGURATION).agg(pl.col("diverged_epoch").count(), networks=pl.len())
    counts = {name: (diverged, networks) for name, diverged, networks in ends.iter_rows()}
    risen = _risen(kept, curves)
    found = []
    for identifier, label in configurations.labels.items():
        diverged, networks = counts.get(identifier, (0, 0))
        if diverged or identifier in risen:
            found.append(Divergence(identifier, label, diverged, risen.get(identifier, 0), networks))
    return found


def _risen(kept: "pl.DataFrame", curves: "pl.LazyFrame") -> dict[str, int]:
    """Networks that did not diverge, but whose loss at the kept epoch is larger than at epoch 0, of configurations with any."""
    import polars as pl

    replica = [CONFIGURATION, "seed", "learning_rate"]
    finite = kept.lazy().filter(pl.col("diverged_epoch").is_null())
    losses = curves.filter(split="train").select(*replica, "epoch", "loss", "mean_squared_error")
    before = losses.filter(epoch=0).drop("epoch")
    after = finite.join(losses, left_on=[*replica, "best_epoch"], right_on=[*replica, "epoch"])
    squared = pl.col("objective") == "mean_squared_error"
    rose = (
        pl.when(squared)
        .then(pl.col("mean_squared_error") > pl.col("mean_squared_error_before"))
        .otherwise(pl.col("loss") > pl.col("loss_before"))
    )
    risen = after.join(before, on=replica, suffix="_before").filter(rose).group_by(CONFIGURATION).len()
    return dict(risen.collect().iter_rows())


def sentences(found: list[Divergence]) -> list[str]:
    """What there is to say of a study, for people: nothing where no network diverged and no loss rose."""
    said = []
    wholly = [one.label for one in found if one.wholly]
    partly = [one for one in found if one.diverged and not one.wholly]
    risen = [one for one in found if one.risen]
    if wholly:
        configurations = "this configuration" if len(wholly) == 1 else f"these {len(wholly)} configurations"
        said.append(f"Every network of {configurations} diverged, so it has no results: {'; '.join(wholly)}.")
    if partly:
        counts = "; ".join(f"{one.diverged} of {one.networks} of {one.label}" for one in partly)
        networks = sum(one.diverged for one in partly)
        said.append(f"{networks} further network{'s' * (networks > 1)} diverged: {counts}." if wholly else
                    f"{networks} network{'s' * (networks > 1)} diverged: {counts}.")  # fmt: skip
    if risen:
        counts = "; ".join(f"{one.risen} of {one.networks} of {one.label}" for one in risen)
        of_networks = counted(sum(one.risen for one in risen), "network")
        said.append(f"The training loss of {of_networks} is larger after training than before it: {counts}.")
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
    from nodescope.storage.tables import read_table, scan_table
    from nodescope.study.layout import StudyFiles

    lines = []
    for study in studies:
        files = StudyFiles.of(study.name, results)
        path, curves = files.table("replicas"), files.table("learning_curves")
        if path.is_file() and curves.is_file() and path.stat().st_mtime >= since:
            said = sentences(divergences(Configurations.of(study), read_table(path), scan_table(curves)))
            lines += [f"Study {study.name}: {sentence}" for sentence in said]
    return [*lines, DIVERGENCE_HINT] if lines else []
