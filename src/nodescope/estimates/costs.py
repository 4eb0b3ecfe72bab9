"""How much memory and time a job of a cluster should ask for, from the size of its work.

Generous, since what is too little fails and what is too much only waits a little longer: rates are those of a slow core,
and a second or third attempt asks for twice or three times as much. Imports no torch.
"""

import math
from dataclasses import dataclass
from typing import Literal

from nodescope.config.study import Study
from nodescope.estimates.plan import ANALYSIS_BYTES_PER_S, BYTES_PER_VALUE, recorded_values
from nodescope.families.network_sizes import SampleSize, network_size
from nodescope.study.configurations import Configuration, states_of
from nodescope.study.measuring_times import samples_measured

Stage = Literal["train", "record", "measure", "look_into"]

#: Python with its libraries, PyTorch among them except in ``measure``, and the Snakemake that started it.
BASE_MEMORY_MB = {"train": 2000, "record": 2000, "measure": 1500, "look_into": 2500}
MEMORY_MARGIN = 1.5
#: Start-up on a cold file system, and waiting for it.
BASE_MINUTES = 10
TIME_MARGIN = 2.0
#: Arithmetic per second of a training on a slow core, and on a GPU that small networks cannot fill.
FLOP_PER_S = {"cpu": 15e9, "cuda": 500e9}
#: What the activations of all training samples may take at a time where batch normalisation is settled by them, see
#: `nodescope.networks.normalisation`.
SETTLING_BYTES = 1 << 29
#: A longer training is done in pieces: at the end of its time it saves its state, and the next attempt goes on.
LONGEST_MINUTES = 24 * 60
#: So long before a job's end SLURM asks it to stop: time for an epoch to end and the state to be saved.
NOTICE_S = 120


@dataclass(frozen=True)
class JobSize:
    """What a job asks for."""

    memory_mb: int
    minutes: int


def job_size(
    study: Study, configuration: Configuration, stage: Stage, data: SampleSize, device: str, attempt: int
) -> JobSize:
    """What a job of a configuration asks for.

    Parameters
    ----------
    stage : {'train', 'record', 'measure', 'look_into'}
        ``measure`` is an analysis of recorded activations, ``look_into`` one of the networks themselves.
    data
        From `nodescope.families.network_sizes.sample_size`.
    device : {'cpu', 'cuda'}
        Where networks are trained.
    attempt
        1 for the first.
    """
    training = configuration.training(study)
    seeds, rates = len(study.seeds), len(training.learning_rates)
    network = network_size(study, configuration, data)
    of_all, of_largest = recorded_values(study, network)
    recorded = of_all * data.samples * BYTES_PER_VALUE * len(states_of(study)) * seeds
    layers = 3 * of_largest * data.samples * BYTES_PER_VALUE
    inputs = 2 * data.samples * data.inputs * BYTES_PER_VALUE
    passes = 2.0 * network.multiply_adds * data.samples * len(states_of(study)) * seeds / FLOP_PER_S["cpu"]
    match stage:
        case "train":
            # parameters, gradients, two moments, those of the best epoch, and a state on its way to the disk
            stacks = 7 * network.parameters * BYTES_PER_VALUE * rates * seeds
            # what a step keeps of a batch for its gradient, for all networks that step together
            batch_size = training.samples_per_step(data.samples)
            batch = 4 * network.values * batch_size * BYTES_PER_VALUE * rates * seeds
            memory = inputs + stacks + batch
            if configuration["batch_norm"]:
                memory += SETTLING_BYTES
            tried = rates + 2 * training.refinement_rounds
            flop = 8.0 * network.multiply_adds * data.samples * training.epochs * tried * seeds
            if study.pattern_evolution:
                passed = samples_measured(study.pattern_evolution, training.epochs, batch_size, data.samples)
                flop += 2.0 * network.multiply_adds * passed * tried * seeds
                # of each net, three times: where all patterns differ, their bits and their counts by class
                probe = min(study.pattern_evolution.samples or data.samples, data.samples)
                patterns = probe * network.values // int(configuration["width"])
                memory += 3 * 60 * patterns * rates * seeds
            seconds = flop / FLOP_PER_S[device]
        case "record":
            memory, seconds = inputs + layers, recorded / ANALYSIS_BYTES_PER_S + passes
        case "measure":
            memory, seconds = layers, recorded / ANALYSIS_BYTES_PER_S
        case "look_into":
            # gradients are computed in float64, by a copy of the network: twice the bytes, half the rate or less
            memory, seconds = inputs + layers + 9 * network.parameters * BYTES_PER_VALUE, 6 * passes
    minutes = (BASE_MINUTES + TIME_MARGIN * seconds / 60) * attempt
    return JobSize(
        memory_mb=math.ceil((BASE_MEMORY_MB[stage] + MEMORY_MARGIN * memory / 1e6) * attempt),
        minutes=min(LONGEST_MINUTES, math.ceil(minutes)),
    )
