"""How much there is to do: networks, jobs, memory, disk and time, before anything runs.

The estimates count arithmetic and bytes; the speed of this machine is measured in a moment. Imports no torch.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nodescope import datasets
from nodescope.config.root import Config
from nodescope.config.study import Study
from nodescope.families.network_sizes import NetworkSize, network_size, sample_size
from nodescope.messages.words import counted
from nodescope.study.configurations import configurations_of, states_of
from nodescope.study.contents import analysis_jobs, is_recorded, jobs_done
from nodescope.study.layout import RESULTS, description_path
from nodescope.study.measuring_times import samples_measured

BYTES_PER_VALUE = 4
#: At most, of a channel and sample (see `nodescope.recording`).
SUMMARY_VALUES = 4
#: Measured on two cores: share of the matrix-product rate that training reaches; bytes per second that recording and all
#: analyses together pass; start-up of a job; charts, collected tables and report of a study.
TRAINING_EFFICIENCY = 0.65
ANALYSIS_BYTES_PER_S = 15e6
SECONDS_PER_JOB = 2.5
SECONDS_PER_STUDY = 60.0


@dataclass(frozen=True)
class Estimate:
    """What a study will take.

    Attributes
    ----------
    configurations, networks, candidate_networks : int
        Candidates count every learning rate that is tried.
    jobs, jobs_done : int
        Jobs of configurations: training, recording, measuring.
    arithmetic_flop : float
        Of all trainings.
    activations_gb : float
        All recorded activations, uncompressed.
    largest_recording_gb : float
        Of one configuration.
    memory_gb : float
        Of the largest job.
    """

    configurations: int
    networks: int
    candidate_networks: int
    jobs: int
    jobs_done: int
    arithmetic_flop: float
    activations_gb: float
    largest_recording_gb: float
    memory_gb: float

    def seconds(self, flop_per_s: float, cores: int) -> float:
        """Time on that many cores of that speed."""
        training = self.arithmetic_flop / (flop_per_s * TRAINING_EFFICIENCY)
        analysis = self.activations_gb * 1e9 / ANALYSIS_BYTES_PER_S
        return (training + analysis + self.jobs * SECONDS_PER_JOB + SECONDS_PER_STUDY) / cores


def estimate(study: Study, results: str | Path = RESULTS) -> Estimate:
    """Estimate a study from its configuration alone."""
    sample = sample_size(study, results)
    configurations = configurations_of(study)
    training = study.training
    rates = len(training.learning_rates) + 2 * training.refinement_rounds
    states = len(states_of(study))
    flop = 0.0
    recordings = []
    memory = 0.0
    for configuration in configurations:
        network = network_size(study, configuration, sample)
        of_all, of_largest = recorded_values(study, network)
        of_configuration = configuration.training(study)
        epochs, batch_size = of_configuration.epochs, of_configuration.samples_per_step(sample.samples)
        # forward and backward of a step (6 per multiply-add and sample) and the evaluation after the epoch (2)
        flop += 8.0 * network.multiply_adds * sample.samples * epochs * rates * len(study.seeds)
        if study.pattern_evolution:
            passed = samples_measured(study.pattern_evolution, epochs, batch_size, sample.samples)
            flop += 2.0 * network.multiply_adds * passed * rates * len(study.seeds)
        recordings.append(of_all * sample.samples * BYTES_PER_VALUE * states * len(study.seeds) / 1e9)
        stack = len(training.learning_rates) * len(study.seeds) * network.parameters * BYTES_PER_VALUE * 6
        data = sample.samples * sample.inputs * BYTES_PER_VALUE * 1.5
        layers = 3 * of_largest * sample.samples * BYTES_PER_VALUE
        memory = max(memory, 0.5 + (data + max(stack, layers)) / 1e9)
    analyses = analysis_jobs(study)
    done = sum(sum(jobs_done(study, c.identifier, results).values()) for c in configurations)
    return Estimate(
        configurations=len(configurations),
        networks=len(configurations) * len(study.seeds),
        candidate_networks=len(configurations) * len(study.seeds) * rates,
        jobs=len(configurations) * (1 + is_recorded(study) + len(analyses)),
        jobs_done=done,
        arithmetic_flop=flop,
        activations_gb=sum(recordings),
        largest_recording_gb=max(recordings),
        memory_gb=memory,
    )


def recorded_values(study: Study, network: NetworkSize) -> tuple[int, int]:
    """Values that are recorded of one sample: of all layers, and at most of the largest."""
    per_node = SUMMARY_VALUES if study.positions == "summary" else None
    values = [
        layer.nodes * (layer.positions if per_node is None or layer.positions == 1 else per_node)
        for layer in network.layers
    ]
    return sum(values), max(values)


def keeps_activations(config: Config, study: Study) -> bool:
    """Whether a study's recorded activations stay after the last analysis."""
    if study.keep_activations == "auto":
        return estimate(study).activations_gb <= config.activations_limit_gb
    return study.keep_activations == "always"


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
        found = estimate(study)
        keeps = keeps_activations(config, study)
        kept = "kept" if keeps else "deleted after the last analysis of each configuration"
        trained = study.training.epochs > 0
        rates = f"; {found.candidate_networks} with all learning rates" if trained else ""
        epochs = f"{counted(study.training.epochs, 'epoch')} each" if trained else "untrained"
        disk = found.activations_gb if keeps else min(found.activations_gb, cores * found.largest_recording_gb)
        lines += [
            f"Study {study.name}: {counted(found.networks, 'network')} ({counted(found.configurations, 'configuration')} x "
            f"{counted(len(study.seeds), 'seed')}{rates}), {epochs}",
            f"  jobs        {found.jobs_done} of {found.jobs} done, "
            f"and about 5 short ones that put tables, charts and report together",
            f"  time        about {_duration(found.seconds(rate, cores))} for all of it on {cores} "
            f"core{'s' if cores > 1 else ''} of this machine without a GPU",
            f"  memory      about {found.memory_gb:.1f} GB for the largest job",
            f"  disk        about {_size(disk)} at a time; recorded activations ({_size(found.activations_gb)} in all, "
            f"before compression) are {kept}",
        ]
        if not sample_size(study).known:
            lines.append("              (estimated as if the data set were as large as MNIST)")
        lines += [*_of_data(config, study, results), ""]
    return "\n".join(lines)


def _of_data(config: Config, study: Study, results: str | Path) -> list[str]:
    """What was decided in reading the study's data set, and what to beware of."""
    found = datasets.known_of(study.dataset, config.data_root, description_path(study.dataset, results))
    if found is None:
        return [f"  data        {study.dataset.name} is inspected when it is prepared"]
    decisions, warnings = found
    return [f"  data        {text}" for text in decisions] + [f"  warning     {text}" for text in warnings]


def _size(gigabytes: float) -> str:
    return f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{1000 * gigabytes:.0f} MB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} hours"
    return f"{seconds / 86400:.0f} days"
