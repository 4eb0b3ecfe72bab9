"""The plan counts networks and jobs, and knows what is done."""

import os

import pytest
import yaml

from nodescope.config.documentation import default_yaml
from nodescope.config.loading import parse_config
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.estimates import plan as planning
from nodescope.estimates.costs import job_size
from nodescope.families.network_sizes import network_size, sample_size
from nodescope.storage.files import atomic_path, write_text
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import analyses_of_job


@pytest.fixture
def config():
    return parse_config(yaml.safe_load(default_yaml()))


def test_the_default_study_is_counted(config, tmp_path):
    found = planning.estimate(config.studies[0], tmp_path)
    assert (found.configurations, found.networks, found.candidate_networks) == (8, 24, 96)
    assert (found.jobs, found.jobs_done) == (8 * 5, 0)
    # 8 configurations of 2 or 3 layers of 100 nodes and an output of 10, 1,797 samples, 4 states, 3 seeds, 4 bytes
    assert found.activations_gb == pytest.approx(4 * (210 + 310) * 1797 * 4 * 3 * 4 / 1e9)


@pytest.mark.parametrize(
    ("positions", "of_all", "of_largest"),
    [("summary", 3 * 4 * 6 + 192 + 10, 192), ("rows", 6 * (32**2 + 16**2 + 8**2) + 192 + 10, 6 * 32**2)],
)
def test_of_convolutions_at_most_four_values_are_counted_or_every_position(positions, of_all, of_largest):
    axes = {"depth": [4], "width": [6], "activation": ["relu"]}
    section = {"name": "made", "dataset": "cifar10", "model": "cnn", "grid": axes, "positions": positions}
    study = parse_config({"studies": [section]}).studies[0]
    network = network_size(study, configurations_of(study)[0], sample_size(study, "nowhere"))
    assert planning.recorded_values(study, network) == (of_all, of_largest)


def test_what_is_done_is_seen(config, tmp_path):
    folder = tmp_path / "digits"
    (folder / "activations" / "relu-2x100").mkdir(parents=True)
    for table in ("replicas", *analyses_of_job(config.studies[0], "nodes")):
        (folder / "tables" / table).mkdir(parents=True)
        (folder / "tables" / table / "relu-2x100.parquet").touch()
    assert planning.estimate(config.studies[0], tmp_path).jobs_done == 3


@pytest.mark.parametrize(
    ("keep", "limit", "kept"), [("auto", 1, True), ("auto", 1e-6, False), ("always", 1e-6, True), ("never", 1, False)]
)
def test_activations_are_kept_up_to_the_limit_or_as_told(config, keep, limit, kept):
    study = config.studies[0].model_copy(update={"keep_activations": keep})
    assert planning.keeps_activations(config.model_copy(update={"activations_limit_gb": limit}), study) == kept


def test_the_plan_is_said_in_words(config):
    text = planning.describe_plan(config, 2)
    for part in ("24 networks (8 configurations x 3 seeds", "time", "memory", "disk", "kept"):
        assert part in text


def test_a_plan_of_one_seed_or_of_no_training_says_so(config):
    study = config.studies[0].model_copy(update={"seeds": [4]})
    assert "8 networks (8 configurations x 1 seed; " in planning.describe_plan(
        config.model_copy(update={"studies": [study]}), 1
    )
    still = study.model_copy(update={"training": study.training.model_copy(update={"epochs": 0, "snapshots": []})})
    text = planning.describe_plan(config.model_copy(update={"studies": [still]}), 1)
    assert "(8 configurations x 1 seed), untrained\n" in text


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_job_left_half_written_goes_when_the_file_is_written_again(tmp_path):
    path = tmp_path / "table.csv"
    left = {name: tmp_path / f".{name}.0123456789ab.partial.csv" for name in ("table", "other")}
    fresh = tmp_path / ".table.ba9876543210.partial.csv"  # another machine may be writing it
    for partial in (*left.values(), fresh):
        partial.write_text("half")
    for partial in left.values():
        os.utime(partial, (0, 0))
    write_text(path, "whole")
    assert path.read_text() == "whole"
    assert not left["table"].exists() and left["other"].exists() and fresh.exists()


def test_a_step_with_all_samples_takes_more_memory_and_follows_patterns_once_an_epoch(config, tmp_path):
    study = config.studies[0].model_copy(update={"pattern_evolution": PatternEvolution()})
    everything = study.model_copy(update={"training": study.training.model_copy(update={"batch_size": "all"})})
    sample = sample_size(study, tmp_path)
    configuration = configurations_of(study)[0]
    small, large = (job_size(s, configuration, "train", sample, "cpu", 1) for s in (study, everything))
    assert large.memory_mb > small.memory_mb
    # 30 epochs: after each step of the first, then every half epoch, and before the first step
    flops = {s.training.batch_size: planning.estimate(s, tmp_path).arithmetic_flop for s in (study, everything)}
    none = planning.estimate(config.studies[0], tmp_path).arithmetic_flop
    times = {batch: (flop - none) for batch, flop in flops.items()}
    assert times["all"] / times[64] == pytest.approx((1 + 30) / (1 + 29 + 2 * 29), rel=0.02)
