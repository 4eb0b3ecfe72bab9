"""The plan: how much there is to do, in words, before anything runs.

The estimates are those of `nodescope.estimates.costs`; the speed of this machine is measured in a moment. Imports no torch.
"""

import time
from pathlib import Path

import numpy as np

from nodescope.config.root import Config
from nodescope.config.study import FamilyStudy, JoinedStudy, ModuleStudy, RecordingsStudy, Study
from nodescope.config.training import Training
from nodescope.datasets import preparing
from nodescope.estimates.costs import StudyCost, keeps_activations, size_of, study_cost
from nodescope.messages.errors import DamagedFileError
from nodescope.messages.words import counted, duration
from nodescope.storage.json_files import read_json
from nodescope.study.configurations import configurations_of, seeds_of, states_of
from nodescope.study.layout import RESULTS, StudyFiles, description_path


def matrix_product_rate() -> float:
    """FLOP/s of a float32 matrix product on one core, measured in a moment."""
    a = np.ones((512, 512), np.float32)
    a @ a
    started = time.perf_counter()
    repetitions = 0
    while time.perf_counter() - started < 0.2:
        a @ a
        repetitions += 1
    return 2.0 * 512**3 * repetitions / (time.perf_counter() - started)


def describe_plan(config: Config, cores: int, results: str | Path = RESULTS) -> str:
    """The plan of all studies in words, with what is known of their data sets."""
    rate = matrix_product_rate()
    lines = []
    for study in config.studies:
        data = size_of(study, results)
        found = study_cost(study, data, results)
        keeps = keeps_activations(config, study, data)
        kept = "kept" if keeps else "deleted after the last analysis of each configuration"
        rates, origin = _of_networks(study, found)
        recorded = found.activations_bytes
        disk = recorded if keeps else min(recorded, cores * found.largest_recording_bytes)
        lines += [
            f"Study {study.name}: {counted(found.networks, 'network')} ({counted(found.configurations, 'configuration')} x "
            f"{counted(len(seeds_of(study)), 'seed')}{rates}), {origin}",
        ]
        if isinstance(study, JoinedStudy):
            lines += [f"  jobs        {found.jobs_done} of {found.jobs} done, each a moment", ""]
            continue
        lines += [
            f"  jobs        {found.jobs_done} of {found.jobs} done, and about 5 short jobs for tables, charts and the "
            "report",
            f"  time        about {duration(found.seconds(rate, cores))} in total on {cores} "
            f"core{'s' if cores > 1 else ''} of this machine without a GPU",
            f"  memory      about {_size(found.memory_mb * 1e6)} for the largest job",
            f"  disk        about {_size(disk)} at a time; recorded activations ({_size(recorded)} in all, "
            f"before compression) are {kept}",
        ]
        if not data.known:
            lines.append("              (the data set cannot be read yet; the estimate assumes the size of MNIST)")
        lines += [*_of_layers(study, results), *_of_data(config, study, results), ""]
    return "\n".join(lines)


def _of_layers(study: Study, results: str | Path) -> list[str]:
    """The layers that are recorded of networks of the user's own, as they were seen; those of the first of equal ones."""
    if not isinstance(study, ModuleStudy):
        return []
    by_layers: dict[str, list[str]] = {}
    for configuration in configurations_of(study):
        try:
            found = read_json(StudyFiles.of(study.name, results).look(configuration.identifier))
        except DamagedFileError:
            continue
        layers = [
            f"{layer['name']} ({layer['kind']}, {counted(layer['nodes'], 'node')}"
            + (f" at {layer['positions']:,} positions)" if layer["positions"] else ")")
            for layer in found["layers"]
        ]
        size = f"{found['parameters']:,} parameters, {found['multiply_adds'] / 1e6:,.1f} million multiply-adds a sample"
        text = "\n".join([size, *(f"                {layer}" for layer in layers)])
        by_layers.setdefault(text, []).append(configuration.identifier)
    return [f"  layers      of {', '.join(names)}: {text}" for text, names in by_layers.items()]


def _of_networks(study: Study, cost: StudyCost) -> tuple[str, str]:
    """How many learning rates are tried, and where the networks come from."""
    match study:
        case FamilyStudy(training=Training(epochs=0)):
            return "", "untrained"
        case FamilyStudy():
            rates = f"; {cost.candidate_networks} with all learning rates"
            epochs, of_candidates = study.training.epochs, study.training.of_candidates().epochs
            shorter = f", candidates of the search {of_candidates}" if of_candidates < epochs else ""
            return rates, f"{counted(epochs, 'epoch')} each{shorter}"
        case ModuleStudy():
            return "", f"{counted(len(states_of(study)), 'state')} each, built by {study.module.make}"
        case JoinedStudy():
            return "", f"of the studies {', '.join(study.join)}"
        case RecordingsStudy():
            return "", f"{counted(len(states_of(study)), 'state')} each, recorded elsewhere"


def _of_data(config: Config, study: Study, results: str | Path) -> list[str]:
    """What was decided in reading the study's data set, and what to beware of."""
    if isinstance(study, RecordingsStudy):
        return [f"  data        of {study.recordings.files}"]
    found = preparing.known_of(study.dataset, config.data_root, description_path(study.dataset, results))
    if found is None:
        return [f"  data        {study.dataset.name} will be inspected during preparation"]
    decisions, warnings = found
    return [f"  data        {text}" for text in decisions] + [f"  warning     {text}" for text in warnings]


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"
