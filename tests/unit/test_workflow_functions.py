"""What the rules ask of the config: inputs, params, resources and targets."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import nodescope
from nodescope.jobs.dependencies import code_digest, family_modules
from nodescope.messages.errors import ConfigError
from nodescope.workflow import Job, Workflow

pytestmark = pytest.mark.slow

PLAIN = {
    "name": "plain",
    "dataset": "iris",
    "grid": {"depth": [1, 2], "width": 4, "activation": "relu"},
    "training": {"epochs": 2},
}
OTHER = {
    "name": "other",
    "dataset": {"source": "npz", "name": "mine", "path": "mine.npz"},
    "grid": {"depth": 1, "width": 4, "activation": "tanh"},
    "keep_activations": "never",
    "pattern_evolution": {},
    "analyses": {"medians": {"enabled": False}},
}


@pytest.fixture
def flow():
    return Workflow({"studies": [PLAIN, OTHER]})


def test_a_setting_of_the_study_is_named_by_its_dotted_path(flow):
    assert flow.study("dataset.name")(Job("other")) == "mine"
    assert flow.study("training")(Job("plain"))["epochs"] == 2
    assert flow.setting("report")["title"]
    with pytest.raises(AttributeError, match="dataset_nam"):
        flow.study("dataset_nam")(Job("plain"))


def test_params_name_what_holds_for_the_configuration(flow):
    job = Job("plain", "relu-2x4")
    assert flow.key_columns(job)["depth"] == 2
    assert flow.training(job)["epochs"] == 2 and flow.objective(job) == flow.training(job)["loss"]
    assert flow.pattern_evolution(job) is None
    assert flow.pattern_evolution(Job("other", "tanh-1x4"))["threshold"] == 0.0
    assert flow.counted_above(job) == 0.0


def test_a_rule_whose_outputs_depend_on_the_study_has_a_variation_for_each_set_of_tables(flow):
    first, second = flow.measuring("nodes", "families")
    assert (first.rule, first.studies) == ("measure_nodes", "plain")
    assert (second.rule, second.studies) == ("measure_nodes_1", "other")
    assert set(first.tables) - set(second.tables) == {"medians"}
    (classifiers,) = flow.measuring("classifiers", "families")
    assert classifiers.studies == "plain|other"
    assert len(flow.collecting()) == 2


def test_each_study_fits_one_of_two_complementary_constraints_and_no_study_fits_that_of_none(flow):
    for name in flow.studies:
        for one, another in ((flow.kept("families"), flow.temporary("families")), (flow.followed, flow.not_followed)):
            assert [bool(re.fullmatch(pattern, name)) for pattern in (one, another)].count(True) == 1
    alone = Workflow({"studies": [PLAIN]})
    assert not re.fullmatch(alone.temporary("families"), "plain") and not re.fullmatch(alone.followed, "")


def test_targets_are_there_for_every_configuration(flow):
    assert flow.per_configuration("{study}/{configuration}") == ["plain/relu-1x4", "plain/relu-2x4", "other/tanh-1x4"]
    assert "results/plain/tables/medians/relu-1x4.parquet" in flow.tables_of_configurations()
    assert "results/other/tables/pattern_evolution/tanh-1x4.parquet" in flow.tables_of_configurations()
    assert "results/other/tables/medians.csv" not in flow.collected_tables()
    assert flow.comparisons() == ["results/plain/tables/comparisons.parquet"]


def test_only_a_data_set_in_one_file_has_a_file_that_must_be_there(flow):
    plain, other = flow.datasets
    assert (
        flow.source_file(Job("plain", dataset=plain)) == [] and flow.source_digest(Job("plain", dataset=plain)) is None
    )
    assert flow.source_file(Job("other", dataset=other)) == "mine.npz"


def test_a_second_attempt_asks_a_cluster_for_more(flow):
    job = Job("plain", "relu-2x4")
    assert flow.memory_mb("train")(job, 2) > flow.memory_mb("train")(job, 1)
    assert flow.minutes("train")(job, 2) > flow.minutes("train")(job, 1)


def test_the_digest_of_a_jobs_code_is_that_of_its_modules(flow):
    train = flow.network_code("train")
    assert train(Job("plain", "relu-2x4")) == code_digest("nodescope.stages.train", *family_modules("mlp"))
    assert train(Job("plain", "relu-2x4")) != flow.network_code("record")(Job("plain", "relu-2x4"))
    drawn = [f"nodescope.charts.gallery.{name}" for name in flow.charts(Job("other"))]
    assert any("sparsity" in name for name in drawn) and not any("medians" in name for name in drawn)
    assert flow.chart_code(Job("other")) == code_digest("nodescope.stages.draw", *drawn)


def snakemake_of(**changes):
    return SimpleNamespace(configfiles=[], is_main_process=True, **changes)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"studys": []}, "did you mean 'studies'"),
        ({"studies": [OTHER]}, "mine.npz"),
        ({"studies": [PLAIN | {"network": {"weights": "gone.pt"}}]}, "There is no file of weights gone.pt"),
    ],
)
def test_a_mistake_ends_snakemake_with_a_message_alone(config, expected, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NODESCOPE_CONFIG_OF_RUN", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(nodescope.__file__).parents[1]))
    with pytest.raises(SystemExit) as stopped:
        Workflow.of_snakemake(config, snakemake_of())
    assert stopped.value.code == 1
    assert expected in capsys.readouterr().err


def test_rules_of_ones_own_are_found_from_the_working_directory(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flow = Workflow({"studies": [PLAIN], "custom_rules": "mine.smk"})
    with pytest.raises(SystemExit):
        flow.custom_rules()
    said = capsys.readouterr().err
    assert f"custom_rules: there is no file mine.smk in {tmp_path}" in said and "Hint" in said
    Path("mine.smk").touch()
    assert flow.custom_rules() == [str(tmp_path / "mine.smk")]


def test_the_module_of_the_rules_imports_nothing_heavy():
    """Each job's Snakemake imports it."""
    import subprocess

    heavy = ("torch", "polars", "sklearn", "numba", "PIL", "scipy", "pyarrow", "altair", "snakemake")
    code = f"import sys, nodescope.workflow; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={
        "PYTHONPATH": str(Path(nodescope.__file__).parents[1])})  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_the_public_functions_are_listed_and_imported_when_they_are_used():
    assert {"run", "snakefile"} <= set(dir(nodescope))
    assert nodescope.run.__module__ == "nodescope.workflow"
    assert nodescope.snakefile().name == "Snakefile"
    with pytest.raises(AttributeError, match="no attribute 'runs'"):
        _ = nodescope.runs


def test_a_config_that_is_no_yaml_or_no_section_is_named(tmp_path):
    path = tmp_path / "a.yaml"
    for text, expected in (("a: [", "cannot be read"), ("- 1", "must be a section")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=expected) as error:
            nodescope.run(path)
        assert str(path) in str(error.value)


def test_an_id_that_stands_for_several_configurations_is_refused():
    variants = [{"name": "base"}, {"name": "t", "activation": "tanh"}]
    grid = {"depth": 1, "width": 4, "activation": ["relu", "sigmoid"], "variants": variants}
    with pytest.raises(ConfigError, match=r"Study 'plain', grid: .*several configurations: tanh-1x4-t\. Hint: "):
        Workflow({"studies": [PLAIN | {"grid": grid}]})
