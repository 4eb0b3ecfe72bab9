"""What the jobs of a study cost: arithmetic, bytes that pass, memory. One model, for the plan and for a cluster alike.

`job_cost` counts what a job does from the layers of its networks and the size of its data set. From it come

- `study_cost`: all jobs of a study, as they run on this machine (`nodescope.estimates.plan` prints it),
- `job_size`: what a job asks of a cluster; generous, since what is too little fails and what is too much only waits a
  little longer: rates are those of a slow core, and a second attempt asks for twice as much,
- `keeps_activations`: whether a study's recorded activations are few enough to stay.

Imports no torch.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nodescope.analyses.ablation import SHARES
from nodescope.config.measuring_times import samples_measured
from nodescope.config.root import Config
from nodescope.config.study import FamilyStudy, JoinedStudy, ModuleStudy, Part, RecordingsStudy, Study
from nodescope.datasets.sizes import DataSize, data_size
from nodescope.families.layers import linear_maps
from nodescope.families.memory import BATCH_BYTES, HELD_AT_A_TIME
from nodescope.messages.errors import DamagedFileError
from nodescope.storage.json_files import read_json
from nodescope.study.configuration import Configuration
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import analyses_of_job, analysis_jobs, is_recorded, jobs_done
from nodescope.study.family_configurations import FamilyConfiguration
from nodescope.study.layout import RESULTS, StudyFiles, description_path
from nodescope.study.shapes import layers_of, recorded_layers

Stage = Literal["train", "record", "import", "measure", "look_into"]

BYTES_PER_VALUE = 4
#: At most, of a channel and sample that is summarised (see `nodescope.recording`).
SUMMARY_VALUES = 4
#: Per multiply-add: forward; forward and backward.
FLOP_FORWARD, FLOP_STEP = 2.0, 6.0
#: Of every net: parameters, gradients, two moments, those of the best epoch, and a state on its way to the disk.
COPIES_OF_PARAMETERS = 7
#: What a step keeps of a batch for its gradient, in tensors as large as the pre-activations.
KEPT_FOR_GRADIENT = 4
#: Of a pattern that is followed: its bits and its counts by class, three times (measured).
BYTES_PER_PATTERN = 3 * 60
#: Gradients are computed in float64, by a copy of the network: twice the bytes, half the rate or less.
COPIES_FOR_GRADIENTS, FLOP_GRADIENTS = 9, 6.0
#: What a value keeps meanwhile, and of all samples that pass together at most (`nodescope.analyses.gradients`).
BYTES_FOR_GRADIENT, GRADIENT_BATCH_BYTES = 3 * 8, 2_000_000_000

#: Python with its libraries, PyTorch among them except in ``measure``.
LIBRARIES_MB = {"train": 600, "record": 600, "import": 300, "measure": 400, "look_into": 800}

#: Measured on two cores: share of the matrix-product rate that training reaches; start-up of a job; charts, collected
#: tables and report of a study.
TRAINING_EFFICIENCY = 0.65
SECONDS_PER_JOB = 2.5
SECONDS_PER_STUDY = 60.0
#: Recorded bytes per second: of recording and of each job that measures them, together 15 MB (measured).
PASSED_BYTES_PER_S = 45e6

#: What a job asks of a cluster beside its own: its libraries, and the Snakemake that started it, with a margin.
REQUESTED_BASE_MB = {"train": 2000, "record": 2000, "import": 1500, "measure": 1500, "look_into": 2500}
MEMORY_MARGIN = 1.5
#: Start-up on a cold file system, and waiting for it.
REQUESTED_BASE_MINUTES = 10
TIME_MARGIN = 2.0
#: Arithmetic per second of a training on a slow core, and on a GPU that small networks cannot fill; recorded bytes per
#: second of a slow core.
SLOW_FLOP_PER_S = {"cpu": 15e9, "cuda": 500e9}
SLOW_BYTES_PER_S = 15e6
#: A longer training is done in pieces: at the end of its time it saves its state, and the next attempt goes on.
LONGEST_MINUTES = 24 * 60
#: So long before a job's end SLURM asks it to stop: time for an epoch to end and the state to be saved.
NOTICE_S = 120


@dataclass(frozen=True)
class Cost:
    """What a job takes.

    Attributes
    ----------
    flop : float
        Arithmetic.
    passed_bytes : float
        Recorded activations that it writes or reads.
    memory_bytes : float
        At most at a time, beside its libraries.
    """

    flop: float
    passed_bytes: float
    memory_bytes: float


@dataclass(frozen=True)
class StudyCost:
    """What a study takes.

    Attributes
    ----------
    configurations, networks, candidate_networks : int
        Candidates count every learning rate that is tried.
    jobs, jobs_done : int
        Jobs of configurations: training, recording, measuring.
    flop : float
        Arithmetic of all jobs.
    passed_bytes : float
        Recorded activations that jobs write and read.
    activations_bytes, largest_recording_bytes : float
        All recorded activations, uncompressed, and those of one configuration.
    memory_mb : float
        Of the largest job, its libraries included.
    """

    configurations: int
    networks: int
    candidate_networks: int
    jobs: int
    jobs_done: int
    flop: float
    passed_bytes: float
    activations_bytes: float
    largest_recording_bytes: float
    memory_mb: float

    def seconds(self, flop_per_s: float, cores: int) -> float:
        """Time on that many cores, with matrix products of that rate."""
        work = self.flop / (flop_per_s * TRAINING_EFFICIENCY) + self.passed_bytes / PASSED_BYTES_PER_S
        return (work + self.jobs * SECONDS_PER_JOB + SECONDS_PER_STUDY) / cores


@dataclass(frozen=True)
class JobSize:
    """What a job asks for."""

    memory_mb: int
    minutes: int


def size_of(study: Study, results: str | Path = RESULTS) -> DataSize:
    """How large the data set of a study is."""
    return data_size(study.dataset, description_path(study.dataset, results))


@dataclass(frozen=True)
class NetworkSize:
    """How large the networks of a configuration are.

    Attributes
    ----------
    layers : tuple of (int, int)
        Nodes and positions of each layer that is recorded, the output last; positions 0 of a fully connected layer.
    parameters : int
    multiply_adds : float
        Of one sample on its way through the network.
    behind : tuple of float, optional
        Of them, those behind each hidden layer; not known of networks that users bring.
    """

    layers: tuple[tuple[int, int], ...]
    parameters: int
    multiply_adds: float
    behind: tuple[float, ...] = ()

    @property
    def values(self) -> list[int]:
        """Pre-activations of one sample in each layer."""
        return [nodes * max(positions, 1) for nodes, positions in self.layers]


#: Of networks that were not looked at yet: as a convolutional one of moderate size.
ASSUMED_SIZE = NetworkSize(((256, 256),) * 20, 10_000_000, 1e9)


def network_size(
    study: Part, configuration: Configuration, data: DataSize, results: str | Path = RESULTS
) -> NetworkSize:
    """Of the built-in families by arithmetic, of networks that users bring as they were looked at."""
    if isinstance(configuration, FamilyConfiguration) and isinstance(study, FamilyStudy):
        layers = recorded_layers(study, configuration, data.shape, data.classes)
        sizes = tuple((layer.nodes, math.prod(layer.positions) if layer.positions else 0) for layer in layers)
        adds = [float(sum(each.multiply_adds for each in linear_maps([layer]).values())) for layer in layers]
        behind = tuple(sum(adds[place + 1 :]) for place in range(len(adds) - 1))
        return NetworkSize(sizes, sum(layer.parameters for layer in layers), sum(adds), behind)
    try:
        found = read_json(StudyFiles.of(study.name, results).look(configuration.identifier))
        seen = tuple((int(layer["nodes"]), int(layer["positions"])) for layer in found["layers"])
        return NetworkSize(seen, int(found["parameters"]), float(found["multiply_adds"]))
    except (DamagedFileError, KeyError, TypeError, ValueError):
        return ASSUMED_SIZE


def recorded_values(study: Part, size: NetworkSize) -> list[int]:
    """Values that are recorded of one sample, at most, in each layer."""
    if study.positions == "rows":
        most = study.positions_per_sample or math.inf
        return [int(nodes * max(1, min(positions, most))) for nodes, positions in size.layers]
    of_each = SUMMARY_VALUES if study.positions == "summary" else 1
    return [nodes * of_each if positions else nodes for nodes, positions in size.layers]


def job_cost(study: Part, configuration: Configuration, stage: Stage, data: DataSize, device: str) -> Cost:
    """What a job of a configuration takes.

    Parameters
    ----------
    stage : {'train', 'record', 'import', 'measure', 'look_into'}
        ``import`` is a job that takes in recordings that were made elsewhere, ``measure`` one that measures recorded
        activations, ``look_into`` one that measures the networks themselves.
    data
        From `size_of`.
    device : {'cpu', 'cuda'}
        Where networks are trained.
    """
    size = network_size(study, configuration, data)
    recorded = recorded_values(study, size)
    samples = data.samples + study.random_inputs
    nets = len(configuration.seeds) * len(configuration.states)
    # A sample is stored as it came, and once more as networks see it.
    inputs = 2 * samples * math.prod(data.shape) * BYTES_PER_VALUE
    # Of a layer that is recorded or measured: itself, and while it is turned into something else.
    held = 3 * max(recorded) * samples * BYTES_PER_VALUE
    passed = sum(recorded) * samples * BYTES_PER_VALUE * nets
    forward = FLOP_FORWARD * size.multiply_adds * samples * nets
    match stage:
        case "train":
            assert isinstance(study, FamilyStudy) and isinstance(configuration, FamilyConfiguration)
            return _training(study, configuration, data, inputs, device)
        case "record":
            return Cost(forward, passed, inputs + held)
        case "import" | "measure":
            return Cost(0, passed, held)
        case "look_into":
            copies = COPIES_FOR_GRADIENTS * size.parameters * BYTES_PER_VALUE
            passing = min(GRADIENT_BATCH_BYTES, BYTES_FOR_GRADIENT * sum(size.values) * samples)
            copies += passing
            flop = FLOP_GRADIENTS * forward * _share_looked_at(study, samples)
            flop += _ablation_flop(study, size, samples) * len(configuration.seeds)
            return Cost(flop, 0, inputs + held + copies)


def _share_looked_at(study: Part, samples: int) -> float:
    """Samples that analyses of the networks take, of all, as far as they are enabled."""
    sections = [getattr(study.analyses, name) for name in analyses_of_job(study, "networks")]
    return min(1.0, sum(getattr(section, "samples", 0) for section in sections) / samples)


def _ablation_flop(study: Part, size: NetworkSize, samples: int) -> float:
    """Arithmetic of switching off each node of a network in both ways, and many together, at most."""
    if "ablation" not in analyses_of_job(study, "networks"):
        return 0.0
    options: Any = study.analyses["ablation"]
    has_positions = any(positions for _, positions in size.layers)
    tested = min(options.test_images if has_positions else options.test_samples, samples)
    flop = 0.0
    for place, (nodes, _) in enumerate(size.layers[:-1]):
        # Of images, and of networks that are not known, all is computed anew.
        again = size.behind[place] if size.behind and not has_positions else size.multiply_adds
        alone, together = (tested * runs * again for runs in (2 * nodes, 2 * len(SHARES) * (options.orders + 1)))
        flop += FLOP_FORWARD * (alone if options.method == "exact" else min(alone, 2 * options.exact_limit))
        flop += FLOP_FORWARD * min(together, options.exact_limit) if options.orders else 0.0
    return flop


def _training(
    study: FamilyStudy, configuration: FamilyConfiguration, data: DataSize, inputs: float, device: str
) -> Cost:
    training = configuration.training(study)
    layers = layers_of(study, configuration, data.shape, data.classes)
    maps = linear_maps(layers).values()
    multiply_adds = sum(each.multiply_adds for each in maps)
    values = sum(each.values for each in maps)
    # Networks that are not trained have nothing to choose by.
    rates = len(training.learning_rates) if training.epochs else 1
    together = rates * len(study.seeds)
    tried = together + 2 * training.refinement_rounds * len(study.seeds)
    followed, network_epochs = tried, training.epochs * tried
    of_candidates = training.of_candidates()
    if of_candidates is not training:
        followed = len(study.seeds)
        network_epochs = of_candidates.epochs * tried + training.epochs * followed
    batch_size = training.samples_per_step(data.train)
    parameters = sum(layer.parameters for layer in layers)
    memory = inputs + COPIES_OF_PARAMETERS * parameters * BYTES_PER_VALUE * together
    # What a step keeps of a batch for its gradient, for all networks that step together.
    memory += KEPT_FOR_GRADIENT * values * batch_size * BYTES_PER_VALUE * together
    # Each epoch ends with a pass over all samples.
    per_sample = FLOP_STEP * data.train + FLOP_FORWARD * data.samples
    flop = per_sample * multiply_adds * network_epochs
    if configuration["batch_norm"]:
        of_sample = HELD_AT_A_TIME * max(layer.values for layer in layers) * BYTES_PER_VALUE
        memory += min(BATCH_BYTES[device], of_sample * data.train)
    if study.pattern_evolution:
        passed = samples_measured(study.pattern_evolution, training.epochs, batch_size, data.train)
        flop += FLOP_FORWARD * multiply_adds * passed * followed
        # Where all patterns differ.
        probe = min(study.pattern_evolution.samples or data.train, data.train)
        patterns = probe * sum(math.prod(layer.positions) for layer in layers)
        memory += BYTES_PER_PATTERN * patterns * together
    return Cost(flop, 0, memory)


def stages_of(study: Study) -> list[Stage]:
    """The stage of each job of a configuration that takes more than a moment."""
    measured: list[Stage] = ["look_into" if job == "networks" else "measure" for job in analysis_jobs(study)]
    match study:
        case FamilyStudy():
            recorded: list[Stage] = ["record"] if is_recorded(study) else []
            return ["train", *recorded, *measured]
        case ModuleStudy():
            return ["record", *measured]
        case RecordingsStudy():
            return ["import", *measured]
        case JoinedStudy():
            return []


def study_cost(study: Study, data: DataSize, results: str | Path = RESULTS) -> StudyCost:
    """What all jobs of a study take on this machine, on its processor."""
    configurations = configurations_of(study)
    stages = stages_of(study)
    by_job = {
        (configuration.identifier, stage): job_cost(study, configuration, stage, data, "cpu")
        for configuration in configurations
        for stage in set(stages)
        if not isinstance(study, JoinedStudy)
    }
    costs = [by_job[configuration.identifier, stage] for configuration in configurations for stage in stages]
    recording = [stage for stage in stages if stage in ("record", "import")]
    recordings = [by_job[c.identifier, stage].passed_bytes for c in configurations for stage in recording]
    networks = sum(len(each.seeds) for each in configurations)
    training = study.training if isinstance(study, FamilyStudy) else None
    candidates = len(training.learning_rates) + 2 * training.refinement_rounds if training else 1
    done = [jobs_done(study, each.identifier, results) for each in configurations]
    return StudyCost(
        configurations=len(configurations),
        networks=networks,
        candidate_networks=networks * candidates,
        jobs=sum(map(len, done)),
        jobs_done=sum(sum(of_one.values()) for of_one in done),
        flop=sum(cost.flop for cost in costs),
        passed_bytes=sum(cost.passed_bytes for cost in costs),
        activations_bytes=sum(recordings),
        largest_recording_bytes=max(recordings, default=0.0),
        memory_mb=max(
            (LIBRARIES_MB[stage] + cost.memory_bytes / 1e6 for (_, stage), cost in by_job.items()), default=0.0
        ),
    )


def keeps_activations(config: Config, study: Study, data: DataSize) -> bool:
    """Whether a study's recorded activations stay after the last analysis."""
    if isinstance(study, JoinedStudy):
        return False
    if study.keep_activations == "auto":
        return study_cost(study, data).activations_bytes <= config.activations_limit_gb * 1e9
    return study.keep_activations == "always"


def job_size(
    study: Part, configuration: Configuration, stage: Stage, data: DataSize, device: str, attempt: int
) -> JobSize:
    """What a job asks of a cluster for; parameters as those of `job_cost`, and ``attempt``, 1 for the first."""
    cost = job_cost(study, configuration, stage, data, device)
    flop_per_s = SLOW_FLOP_PER_S[device if stage == "train" else "cpu"]
    seconds = cost.flop / flop_per_s + cost.passed_bytes / SLOW_BYTES_PER_S
    minutes = (REQUESTED_BASE_MINUTES + TIME_MARGIN * seconds / 60) * attempt
    memory_mb = (REQUESTED_BASE_MB[stage] + MEMORY_MARGIN * cost.memory_bytes / 1e6) * attempt
    return JobSize(math.ceil(memory_mb), min(LONGEST_MINUTES, math.ceil(minutes)))
