"""Whatever stands in a configuration, it either runs or ends with a message for people; never with a traceback."""

import random
import re

import pytest
import yaml
from conftest import LONG, REPOSITORY
from fuzz import mutants
from project import Project
from snakemake.common.configfile import load_configfile
from snakemake_interface_common.exceptions import WorkflowError

from nodescope.charts.registry import charts_of
from nodescope.config.dataset import Recorded
from nodescope.config.loading import parse_config
from nodescope.datasets import preparing
from nodescope.estimates.costs import job_size, keeps_activations, size_of, stages_of, study_cost
from nodescope.messages.errors import ConfigError, DatasetError, NodescopeError
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import table_names

MUTANTS = 20_000 if LONG else 2_000
DRY_RUNS = 60 if LONG else 4


def outcome(raw, files=()):
    """What the workflow does with a configuration before the first job: ``runs``, or ``refused`` with a readable message.

    Any other exception is a failure of the test.
    """
    try:
        config = parse_config(raw, files)
        for study in config.studies:
            if not isinstance(study.dataset, Recorded):
                preparing.check(study.dataset, config.data_root, download=False)
            identifiers = [c.identifier for c in configurations_of(study)]
            assert len(set(identifiers)) == len(identifiers)
            assert all(re.fullmatch(r"[a-z0-9-]+", identifier) and len(identifier) < 200 for identifier in identifiers)
            for name in (study.name, study.dataset.name):
                assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name)
            data = size_of(study)
            study_cost(study, data)
            keeps_activations(config, study, data)
            charts_of(study)
            table_names(study)
            for configuration in configurations_of(study)[:3]:
                for stage in stages_of(study):
                    size = job_size(study, configuration, stage, data, "cpu", 3)
                    assert size.memory_mb > 0 and size.minutes > 0
        return "runs"
    except NodescopeError as error:
        assert isinstance(error, (ConfigError, DatasetError))
        assert len(str(error)) > 20
        return "refused"


def test_mutants_of_configurations_run_or_are_refused_with_a_message(figures):
    rng = random.Random(1)
    bases = mutants.bases()
    found = {"runs": 0, "refused": 0}
    for number in range(MUTANTS):
        raw = mutants.mutant(rng, bases[number % len(bases)])
        try:
            found[outcome(raw)] += 1
        except Exception as error:
            raise AssertionError(f"mutant {number}: {raw}") from error
    assert min(found.values()) > MUTANTS / 50  # neither all nor none
    figures["configuration mutants tried (in process)"] = MUTANTS
    figures["configuration mutants that ran / were refused with a message"] = f"{found['runs']} / {found['refused']}"


def test_mutants_of_yaml_texts_are_read_or_refused(tmp_path, figures):
    rng = random.Random(2)
    texts = [path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "presets").glob("*.yaml"))]
    path = tmp_path / "config.yaml"
    for number in range(MUTANTS // 4):
        text = mutants.text_mutant(rng, texts[number % len(texts)])
        path.write_text(text, encoding="utf-8")
        try:
            raw = load_configfile(path)
        except (WorkflowError, yaml.YAMLError):
            continue  # Snakemake's own message
        outcome(raw, [path])
    figures["mutants of YAML texts"] = MUTANTS // 4


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("fuzz"), {})


def test_a_sample_of_mutants_through_snakemake_itself(project, figures):
    rng = random.Random(3)
    bases = [mutants.bases()[0], mutants.bases()[-1]]
    for number in range(DRY_RUNS):
        raw = mutants.mutant(rng, bases[number % 2])
        mutants.write(project.path / "config.yaml", raw)
        try:
            expected = outcome(yaml.safe_load((project.path / "config.yaml").read_text(encoding="utf-8")))
        except (yaml.YAMLError, TypeError):
            expected = "refused"
        said = project.snakemake("--dry-run", "--quiet", "all", expect=0 if expected == "runs" else 1)
        assert "Traceback" not in said, raw
        if expected == "refused":
            assert re.search(
                r"The configuration has \d+ problem|Data set '|Config file|These files are expected", said
            ), said
    figures["configuration mutants through snakemake --dry-run"] = DRY_RUNS


@pytest.mark.parametrize("name", mutants.HOSTILE)
def test_a_hostile_name_is_refused_or_stays_what_it_is(name):
    config = {
        "studies": [
            {"name": name, "dataset": "iris", "grid": {"depth": [1], "width": [2], "activation": ["relu"]}}
        ]
    }  # fmt: skip
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name) and name != "datasets":
        assert parse_config(config).studies[0].name == name
    else:
        with pytest.raises(ConfigError):
            parse_config(config)


def test_hostile_names_do_nothing_in_a_shell_and_leave_no_file(project):
    before = {path for path in project.path.parent.rglob("*") if ".snakemake" not in path.parts}
    for name in ("$(touch owned)", "../up", "-rf", "{study}"):
        mutants.write(project.path / "config.yaml", mutants.bases()[-1] | {"studies": [{"name": name}]})
        assert "Traceback" not in project.snakemake("--dry-run", expect=1)
    after = {path for path in project.path.parent.rglob("*") if ".snakemake" not in path.parts}
    assert after == before
