"""What sections of a study say that cannot be together: each of them is valid alone."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nodescope.config.analysis_fields import NodeChoice
from nodescope.config.measuring_times import problem_with
from nodescope.config.network import Network
from nodescope.config.study import AnyStudy, FamilyStudy, JoinedStudy, Part, Study
from nodescope.config.training import SETTINGS_OF_OPTIMISERS, Training
from nodescope.families import FAMILIES
from nodescope.families.family import Family
from nodescope.numerics.activation_functions import SMOOTH_RECTIFIERS

#: Keys of ``network`` that only some families take.
_OF_SOME_FAMILIES = sorted({setting for family in FAMILIES.values() for setting in family.settings})


@dataclass(frozen=True)
class Inconsistency:
    """What cannot be together.

    Attributes
    ----------
    keys : tuple of str
        Those that it follows from, as ``training.epochs``; the first is where it is reported.
    what : str
    place : str
        Where it is reported, where that is more exact than the first key.
    """

    keys: tuple[str, ...]
    what: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.place or self.keys[0]}: {self.what}"

    def follows_from(self, doubtful: Iterable[str]) -> bool:
        """Whether one of its keys is, holds or lies in one that was wrong itself."""
        return any(f"{key}.".startswith(f"{wrong}.") or f"{wrong}.".startswith(f"{key}.")
                   for key in self.keys for wrong in doubtful)  # fmt: skip


def inconsistencies(study: Study, doubtful: Iterable[str] = ()) -> Iterator[str]:
    """What cannot be together in a study, in words.

    Parameters
    ----------
    study
        Valid by itself.
    doubtful
        Keys that were wrong, as ``training.epochs``, and stand at their defaults in ``study``: what follows from them is
        not reported.
    """
    for found in _found(study):
        if not found.follows_from(doubtful):
            yield str(found)


def _found(study: Study) -> Iterator[Inconsistency]:
    if isinstance(study, JoinedStudy):
        return
    yield from _of_recording(study)
    if not isinstance(study, FamilyStudy):
        return
    yield from _of_variants(study)
    for where, training in _trainings(study).items():
        yield from _of_training(study, where, training)
    yield from _of_patterns(study)
    yield from _of_networks(study)
    for model in study.model:
        yield from _of_family(study, FAMILIES[model])
    yield from _of_nodes(study)


def _of_recording(study: Part) -> Iterator[Inconsistency]:
    """Settings of what is recorded that would have no effect."""
    if study.positions_per_sample is not None and study.positions != "rows":
        what = "limits the positions that are recorded as rows. Hint: positions: rows, or leave it out"
        yield Inconsistency(("positions_per_sample", "positions"), what)
    if not isinstance(study, FamilyStudy):
        return
    if study.layers != AnyStudy.model_fields["layers"].default:
        for key in ("works", "pattern_evolution"):
            if getattr(study, key):
                what = f"{key} counts all layers. Hint: leave one of the two out"
                yield Inconsistency(("layers", key), what)
        if types := [text for text in study.layers if text.removeprefix("!").startswith("type:")]:
            what = f"{', '.join(types)}: of families layers are named, as in the table layers. Hint: hidden.*"
            yield Inconsistency(("layers",), what)
    if study.positions == "last":
        yield Inconsistency(("positions",), "the last position is one of a text, which no family takes. Hint: summary")


def _of_variants(study: FamilyStudy) -> Iterator[Inconsistency]:
    variants = study.grid.variants or []
    for name, count in Counter(variant.name for variant in variants).items():
        if count > 1:
            yield Inconsistency(("grid.variants",), f"{count} variants are named '{name}'; names must be unique")
    for position, variant in enumerate(variants):
        for key in ("snapshots", "snapshot_steps"):
            if key in variant.training.model_fields_set:
                yield Inconsistency(
                    ("grid.variants",),
                    "all networks of a study record the same states; set it in the study's training section",
                    f"grid.variants[{position}].training.{key}",
                )


def _trainings(study: FamilyStudy) -> dict[str, Training]:
    """The settings of training of the study, and of each variant that changes them, by where they stand."""
    found = {"training": study.training}
    for position, variant in enumerate(study.grid.variants or []):
        changes = {key: getattr(variant.training, key) for key in variant.training.model_fields_set}
        if changes:
            found[f"grid.variants[{position}].training"] = study.training.model_copy(update=changes)
    return found


def _of_training(study: FamilyStudy, where: str, training: Training) -> Iterator[Inconsistency]:
    is_variant = where != "training"

    def found(key: str, what: str, *others: str) -> Inconsistency:
        of_training = [f"training.{name}" for name in (key, *others)]
        return Inconsistency((*of_training, *(["grid.variants"] if is_variant else [])), what, f"{where}.{key}")

    variants = study.grid.variants or []
    if training.batch_size == 1 and (True in study.grid.batch_norm or any(v.batch_norm for v in variants)):
        at = found("batch_size", "must be at least 2 with batch normalisation")
        yield Inconsistency((*at.keys, "grid.batch_norm"), at.what, at.place)
    late = [epoch for epoch in training.snapshots if epoch > training.epochs]
    if late:
        what = f"{', '.join(map(str, late))} is after the last epoch ({training.epochs})"
        yield found("snapshots", what, "epochs")
    if training.search_epochs and training.epochs and training.search_epochs >= training.epochs:
        what = (
            f"must be fewer than all epochs ({training.epochs}). Hint: leave it out, and candidates are trained in full"
        )
        yield found("search_epochs", what, "epochs")
    if training.schedule == "multi_step" and not training.milestones:
        yield found("milestones", "multi_step needs the epochs after which the learning rate decays", "schedule")
    if study.pattern_evolution and (problem := problem_with(study.pattern_evolution.schedule, training.epochs)):
        place, _, what = problem.partition(": ")
        keys = ("pattern_evolution.schedule", "training.epochs", *(["grid.variants"] if is_variant else []))
        yield Inconsistency(keys, what + (f" ({where})" if is_variant else ""), place)
    if (training.epochs == 0) != (study.training.epochs == 0):
        yield found("epochs", "either all networks of a study are trained or none (epochs: 0)")
    for key in _without_effect(study, where, training):
        allowed = " and ".join(SETTINGS_OF_OPTIMISERS[key])
        yield found(
            key,
            f"{training.optimiser} has no {key}, only {allowed} {'has' if ' and ' not in allowed else 'have'}. "
            f"Hint: leave it out, or choose another optimiser",
            "optimiser",
        )


def _without_effect(study: FamilyStudy, where: str, training: Training) -> Iterator[str]:
    """Settings that were given for another optimiser than that of the section, or of any variant that keeps them."""
    trainings = _trainings(study)
    sections = {f"grid.variants[{n}].training": v.training for n, v in enumerate(study.grid.variants or [])}
    given = sections.get(where, study.training)
    used = {training.optimiser} if where in sections else {each.optimiser for each in trainings.values()}
    for key, optimisers in SETTINGS_OF_OPTIMISERS.items():
        differs = getattr(given, key) != Training.model_fields[key].default
        if key in given.model_fields_set and differs and used.isdisjoint(optimisers):
            yield key


def _of_patterns(study: FamilyStudy) -> Iterator[Inconsistency]:
    """Where a node is on must be said for functions that bend smoothly."""
    used = {*study.grid.activation, *(variant.activation for variant in study.grid.variants or [])}
    smooth = [name for name in SMOOTH_RECTIFIERS if name in used]
    if study.pattern_evolution and smooth and "theta_threshold" not in study.model_fields_set:
        yield Inconsistency(
            ("theta_threshold", "pattern_evolution", "grid.activation", "grid.variants"),
            f"{' and '.join(smooth)} {'has' if len(smooth) == 1 else 'have'} no switching point, so pattern_evolution "
            "needs an explicit threshold. Hint: set theta_threshold, e.g. theta_threshold: 0",
        )


def _of_networks(study: FamilyStudy) -> Iterator[Inconsistency]:
    """Settings of the network that no family of the study takes."""
    sections = {"network": study.network}
    for position, variant in enumerate(study.grid.variants or []):
        sections[f"grid.variants[{position}].network"] = variant.network
    for where, network in sections.items():
        for key in _OF_SOME_FAMILIES:
            differs = getattr(network, key) != Network.model_fields[key].default
            if differs and not any(key in FAMILIES[model].settings for model in study.model):
                takers = " and ".join(name for name, family in FAMILIES.items() if key in family.settings)
                yield Inconsistency(
                    (f"network.{key}", "model", "grid.variants"),
                    f"{' and '.join(study.model)} has no such setting, only {takers} has. Hint: leave it out",
                    f"{where}.{key}",
                )


def _of_family(study: FamilyStudy, family: Family) -> Iterator[Inconsistency]:
    """What the study asks of a family of networks that it cannot have."""

    def named(keys: tuple[str, ...], problems: Iterable[str | None], place: str = "") -> Iterator[Inconsistency]:
        yield from (Inconsistency((*keys, "model"), problem, place) for problem in problems if problem)

    stated = study.dataset.stated_size()
    if stated is not None:
        yield from named(("model", "dataset"), [family.problem_with_samples(stated.shape)])
    yield from named(("grid.depth",), [family.problem_with_depth(depth) for depth in study.grid.depth])
    for value in study.grid.batch_norm:
        yield from named(("grid.batch_norm",), [family.problem_with_normalisation(batch_norm=value)])
    for name in study.grid.initialisation or []:
        yield from named(("grid.initialisation",), [family.problem_with_initialisation(name)])
    layers = study.analyses["local_gradients"].layers or []
    depths = [depth for depth in study.grid.depth if family.has_depth(depth)]
    yield from named(
        ("analyses.local_gradients.layers", "grid.depth"),
        [family.problem_with_layers(depth, layers) for depth in depths],
    )
    for position, variant in enumerate(study.grid.variants or []):
        where = f"grid.variants[{position}]"
        if variant.batch_norm is not None:
            problem = family.problem_with_normalisation(batch_norm=variant.batch_norm)
            yield from named(("grid.variants",), [problem], f"{where}.batch_norm")
        if variant.initialisation is not None:
            problem = family.problem_with_initialisation(variant.initialisation)
            yield from named(("grid.variants",), [problem], f"{where}.initialisation")


def _of_nodes(study: FamilyStudy) -> Iterator[Inconsistency]:
    """Nodes that are looked at must be there."""
    narrowest = min(study.grid.width)
    for analysis, options in study.analyses:
        nodes = isinstance(options, NodeChoice) and options.nodes
        if nodes and max(nodes) >= narrowest:
            yield Inconsistency(
                (f"analyses.{analysis}.nodes", "grid.width"),
                f"node {max(nodes)} does not exist in layers of {narrowest} nodes; allowed: 0 to {narrowest - 1}",
            )
