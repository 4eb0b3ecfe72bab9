"""Mistakes in the configuration are found at once, all of them, and said so that one can mend them."""

import copy
import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nodescope.charts.registry import CHARTS, charts_of
from nodescope.config.analyses import Analyses
from nodescope.config.dataset import DATASET_SOURCES
from nodescope.config.documentation import SCHEMA_FILE, json_schema
from nodescope.config.fields import Section, lists_of
from nodescope.config.loading import parse_config
from nodescope.messages.errors import ConfigError
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import SCORE_TABLES, is_compared, table_names
from nodescope.study.layout import prepared_path

REPOSITORY = Path(__file__).resolve().parents[2]
PRESETS = sorted((REPOSITORY / "presets").glob("*.yaml"))

VALID = {
    "studies": [
        {
            "name": "a",
            "dataset": "digits",
            "grid": {"depth": [2], "width": [8], "activation": ["relu"], "batch_norm": [False]},
        }
    ]
}


def with_change(path, value):
    """A copy of the valid configuration with one entry set."""
    raw = copy.deepcopy(VALID)
    target = raw
    for part in path[:-1]:
        target = target[part] if isinstance(part, int) else target.setdefault(part, {})
    target[path[-1]] = value
    return raw


def message(raw):
    with pytest.raises(ConfigError) as error:
        parse_config(raw)
    return str(error.value)


STUDY = ("studies", 0)
IMAGES = {"source": "image_folder", "name": "shapes", "path": "shapes"}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("data_rot",), "x", "data_rot: unknown key; did you mean 'data_root'?"),
        ((*STUDY, "grid", "batch_nrom"), [True], "studies[0].grid.batch_nrom: unknown key; did you mean 'batch_norm'?"),
        ((*STUDY, "grid", "depth"), [], "studies[0].grid.depth: must have at least 1 entry"),
        ((*STUDY, "grid", "depth"), [0], "studies[0].grid.depth[0]: must be at least 1, not 0"),
        ((*STUDY, "grid", "depth"), 0, "studies[0].grid.depth: must be at least 1, not 0"),
        ((*STUDY, "grid", "depth"), None, "studies[0].grid.depth: must be a list, but is empty"),
        ((*STUDY, "grid", "depth"), [True], "studies[0].grid.depth[0]: must be a whole number, not true"),
        ((*STUDY, "grid", "width"), ["wide"], "studies[0].grid.width[0]: must be a whole number, not 'wide'"),
        ((*STUDY, "grid", "activation"), ["rleu"], "activation[0]: unknown activation function 'rleu'; did you mean 'relu'?"),
        ((*STUDY, "grid", "activation"), ["relu", "relu"], "values must be unique; repeated: relu"),
        ((*STUDY, "training", "learning_rates"), [-0.1], "studies[0].training.learning_rates[0]: must be greater than 0, not -0.1"),
        ((*STUDY, "training", "learning_rates"), [float("nan")], "must be a finite number"),
        ((*STUDY, "training", "epochs"), "many", "studies[0].training.epochs: must be a whole number, not 'many'"),
        ((*STUDY, "training", "snapshots"), [999], "studies[0].training.snapshots: 999 is after the last epoch (300)"),
        ((*STUDY, "name"), "../up", "studies[0].name: '../up' is not a valid name"),
        ((*STUDY, "name"), "-n", "is not a valid name"),
        ((*STUDY, "name"), "x" * 65, "is not a valid name"),
        ((*STUDY, "name"), "naïve", "is not a valid name"),
        ((*STUDY, "dataset"), "minst", "studies[0].dataset: unknown data set 'minst'; did you mean 'mnist'?"),
        ((*STUDY, "dataset"), {"source": "npz", "name": "own"}, "studies[0].dataset.path: is required"),
        ((*STUDY, "dataset"), {"source": "digits", "validation_size": 1.5}, "a fraction must lie between 0 and 1"),
        ((*STUDY, "dataset"), {"source": "digits", "validation_size": 0}, "must be at least 1"),
        ((*STUDY, "seeds"), [1, 1], "studies[0].seeds: values must be unique"),
        ((*STUDY, "seeds"), [-1], "studies[0].seeds[0]: must be at least 0, not -1"),
        ((*STUDY, "analyses"), {"layer_accuracy": {"bandwidth": 0}}, "must be greater than 0, not 0"),
        ((*STUDY, "analyses"), {"layer_accuracy": {"bandwidth": "wide"}}, "not 'wide' or must be 'scott' or 'silverman'"),
        ((*STUDY, "analyses"), {"distributions": {"nodes": [8]}}, "node 8 does not exist in layers of 8 nodes; allowed: 0 to 7"),
        ((*STUDY, "dataset"), IMAGES | {"background": "red"}, "'red' is not a colour; write it as white, black or '#rrggbb'"),
        ((*STUDY, "dataset"), IMAGES | {"resize": 32}, "must be two whole numbers, rows and columns, such as [32, 32]"),
        ((*STUDY, "dataset"), IMAGES | {"resize": [9]}, "studies[0].dataset.resize: must be two whole numbers"),
        ((*STUDY, "dataset"), IMAGES | {"resize": [9, 0]}, "studies[0].dataset.resize[1]: must be at least 1, not 0"),
        (("charts",), {"class_colours": ["red", "#000000"]}, "charts.class_colours[0]: 'red' is not a colour"),
        ((*STUDY, "name"), "datasets", "the name 'datasets' is reserved"),
        ((*STUDY, "dataset"), 3, "must be a name or a section"),
        ((*STUDY, "dataset"), {"source": "digits", "validation_size": "-5"}, "must be a number, not '-5'"),
        ((*STUDY, "layers"), ["type:ReLU"], "studies[0].layers: type:ReLU: of families layers are named"),
        ((*STUDY, "positions"), "last", "studies[0].positions: the last position is one of a text"),
        ((*STUDY, "positions_per_sample"), 3, "studies[0].positions_per_sample: limits the positions that are recorded"),
        (("studies",), [], "studies: must have at least 1 entry"),
        (("studies",), "digits", "studies: must be a section (key: value), not 'digits'"),
        (("studies",), {"a": VALID["studies"][0]}, "studies: must be a list; write each entry as '- key: value'"),
        ((*STUDY, "grid", "variants"), {"bn": {"batch_norm": True}}, "grid.variants: must be a list; write each entry"),
        ((*STUDY, "grid", "variants"), {"name": "Slow"}, "studies[0].grid.variants.name: 'Slow' must be 1 to 32 lower-case"),
        ((*STUDY, "training", "milestones"), "3, 5", "studies[0].training.milestones: must be a whole number, not '3, 5'"),
        ((*STUDY, "training", "epochs"), None, "studies[0].training.epochs: must be a whole number, but is empty"),
        ((*STUDY, "training", "epochs"), "1e3", "studies[0].training.epochs: must be a whole number, not '1e3'"),
        ((*STUDY, "training"), {1: 2}, "studies[0].training: the key 1 is not text: YAML reads"),
        ((True,), 3, "top level: the key true is not text: YAML reads yes, no, on, off as true and false"),
        ((*STUDY, "name"), False, "studies[0].name: must be text, but YAML reads false otherwise; put it in quotes"),
        ((*STUDY, "name"), 1000, "studies[0].name: must be text, but YAML reads 1000 otherwise; put it in quotes"),
        ((*STUDY, "dataset"), {"source": "npz", "path": "x", "name": datetime.date(2020, 1, 2)}, "YAML reads 2020-01-02 otherwise"),
    ],
)  # fmt: skip
def test_each_mistake_gets_a_readable_message(path, value, expected):
    text = message(with_change(path, value))
    assert expected in text
    assert text.startswith("The configuration has 1 problem:")
    assert "pydantic" not in text


EVERYTHING_AS_A_LIST = {
    "studies": [
        {
            "name": "a",
            "dataset": "digits",
            "model": ["resnet"],
            "grid": {
                "depth": [8], "width": [3], "activation": ["selu"], "batch_norm": [True], "initialisation": ["ones"],
                "variants": [{"name": "slow", "training": {"learning_rates": [0.5], "milestones": [2]}}],
            },
            "seeds": [4],
            "training": {"learning_rates": [0.25], "milestones": [3], "snapshots": [7], "snapshot_steps": [1]},
            "pattern_evolution": {"schedule": [{"every_epochs": 2}]},
            "analyses": {
                "medians": {"splits": ["test"]}, "densities": {"nodes": [2]},
                "local_gradients": {"layers": ["stem.conv"]},
            },
        }
    ]
}  # fmt: skip


def with_lists_unpacked(raw):
    """Every list of one entry as that entry."""
    if isinstance(raw, list):
        return with_lists_unpacked(raw[0]) if len(raw) == 1 else [with_lists_unpacked(entry) for entry in raw]
    return {key: with_lists_unpacked(value) for key, value in raw.items()} if isinstance(raw, dict) else raw


def with_numbers_as_text(raw):
    """As Snakemake reads what ``--config`` gives inside brackets."""
    if isinstance(raw, list):
        return [with_numbers_as_text(entry) for entry in raw]
    if isinstance(raw, dict):
        return {key: with_numbers_as_text(value) for key, value in raw.items()}
    return str(raw).lower() if isinstance(raw, (bool, int, float)) else raw


def test_wherever_a_list_is_wanted_one_value_stands_for_a_list_of_it():
    shortened = with_lists_unpacked(EVERYTHING_AS_A_LIST)
    assert "[" not in str(shortened)
    assert parse_config(shortened) == parse_config(EVERYTHING_AS_A_LIST)


def test_the_json_schema_allows_one_value_in_place_of_a_list():
    import json

    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(json.loads(json_schema()))
    validator.validate(EVERYTHING_AS_A_LIST)
    validator.validate(with_lists_unpacked(EVERYTHING_AS_A_LIST))
    wrong = with_lists_unpacked(EVERYTHING_AS_A_LIST)
    wrong["studies"]["training"]["snapshots"] = "seven"
    assert list(validator.iter_errors(wrong))


def sections(kind=Section):
    return [kind, *(section for derived in kind.__subclasses__() for section in sections(derived))]


@pytest.mark.parametrize("section", sections()[1:], ids=lambda section: section.__name__)
def test_no_key_that_wants_a_list_is_left_out(section):
    wants_list = {
        name for name, key in section.model_json_schema()["properties"].items()
        if any("items" in kind for kind in key.get("anyOf", [key]))
    }  # fmt: skip
    assert lists_of(section) == wants_list


def test_numbers_and_truths_in_quotes_are_what_they_say():
    raw = copy.deepcopy(EVERYTHING_AS_A_LIST)
    raw["studies"][0]["dataset"] = {"source": "digits", "validation_size": 0.25, "test_size": 40, "split_seed": 9}
    raw["studies"][0]["analyses"]["sparsity"] = {"enabled": False}
    raw["activations_limit_gb"] = 2.5
    assert parse_config(with_numbers_as_text(raw)) == parse_config(raw)


@pytest.mark.parametrize(("path", "given"), [
    (("data_root",), "~/data"),
    ((*STUDY, "dataset"), {"source": "npz", "name": "own", "path": "~/data"}),
    ((*STUDY, "dataset"), {"source": "image_folder", "name": "own", "path": "~/data"}),
    ((*STUDY, "network"), {"weights": "~/data"}),
])  # fmt: skip
def test_the_users_home_may_be_written_as_a_tilde_in_every_path(path, given, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = parse_config(with_change(path, given))
    study = config.studies[0]
    places = (
        config.data_root,
        getattr(study.dataset, "path", None),
        configurations_of(study)[0].network(study).weights,
    )
    assert str(tmp_path / "data") in places
    assert "~" not in config.model_dump_json()


def test_a_path_that_only_looks_like_a_home_stays_as_it_is():
    for path in ("data/~/x", "~no-such-user-here/x", "a/{depth}/b.pt"):
        assert parse_config(with_change(("data_root",), path)).data_root == path


def test_of_two_files_with_studies_it_is_said_which_counts(tmp_path):
    first, second, third = (tmp_path / name for name in ("config.yaml", "mine.yaml", "more.yaml"))
    first.write_text(yaml.safe_dump(VALID), encoding="utf-8")
    second.write_text("\ufeffstudies:\n  name: a\n  seeds: 3\n", encoding="utf-8")
    third.write_text("device: cpu\n", encoding="utf-8")
    raw = {"studies": {"name": "a", "seeds": 3}}
    with pytest.raises(ConfigError) as error:
        parse_config(raw, [second, third, first])
    said = str(error.value)
    assert "studies.dataset: is required" in said
    assert f"{second} and {first} each contain studies" in said and str(third) not in said
    with pytest.raises(ConfigError) as error:
        parse_config(raw, [second, third])
    assert "each contain studies" not in str(error.value)


def test_all_mistakes_are_said_at_once():
    raw = with_change((*STUDY, "grid", "depth"), [0])
    raw["colour"] = 1
    raw["studies"].append({**VALID["studies"][0], "seeds": []})
    text = message(raw)
    assert "3 problems" not in text
    for part in ("4 problems", "2 studies are named 'a'", "depth[0]", "colour: unknown key", "studies[1].seeds"):
        assert part in text


def test_what_cannot_be_together_is_said_in_the_same_round_as_what_is_wrong_alone():
    raw = with_change((*STUDY, "training"), {"epochs": 10, "snapshots": [12], "learning_rates": [-1]})
    raw["studies"][0]["charts"] = {}
    raw["studies"].append({**VALID["studies"][0], "name": "b", "model": "resnet"})
    text = message(raw)
    for part in (
        "studies[0].charts: unknown key",
        "studies[0].training.learning_rates[0]: must be greater than 0, not -1",
        "studies[0].training.snapshots: 12 is after the last epoch (10)",
        "studies[1].grid.depth: resnet has no depth 2",
    ):
        assert part in text
    assert "4 problems" in text


@pytest.mark.parametrize(
    "epochs",
    [{"epochs": -1}, {"epochs": "ten"}, {"epoch": 500}],
    ids=["out of range", "no number", "misspelt"],
)
def test_nothing_is_said_of_what_follows_from_a_value_that_is_wrong_itself(epochs):
    text = message(with_change((*STUDY, "training"), {**epochs, "snapshots": [400]}))
    assert "1 problem:" in text and "after the last epoch" not in text


@pytest.mark.parametrize(
    ("training", "variant", "expected"),
    [
        ({"momentum": 0.5}, {}, "training.momentum: adam has no momentum, only sgd and rmsprop have"),
        ({"rmsprop_alpha": 0.5}, {}, "training.rmsprop_alpha: adam has no rmsprop_alpha, only rmsprop has"),
        ({"optimiser": "sgd", "optimiser_epsilon": 0.1}, {}, "optimiser_epsilon: sgd has no optimiser_epsilon"),
        (
            {"optimiser": "sgd"},
            {"optimiser": "adam", "momentum": 0.5},
            "grid.variants[0].training.momentum: adam has no",
        ),
        ({"optimiser": "sgd", "momentum": 0.5}, {"optimiser": "adam"}, None),
        ({"momentum": 0.5}, {"optimiser": "sgd"}, None),
        ({"optimiser": "rmsprop", "momentum": 0.5, "rmsprop_alpha": 0.5}, {}, None),
        ({"momentum": None, "rmsprop_alpha": 0.99}, {}, None),
    ],
)
def test_a_setting_that_the_optimiser_does_not_have_is_a_mistake(training, variant, expected):
    raw = with_change((*STUDY, "training"), training)
    variants = [{"name": "first", "training": variant}, {"name": "second"}]
    raw["studies"][0]["grid"]["variants"] = variants if variant else variants[1:]
    if expected is None:
        assert parse_config(raw)
    else:
        text = message(raw)
        assert expected in text and "Hint: leave it out, or choose another optimiser" in text


def test_a_setting_that_no_family_of_the_study_takes_is_a_mistake():
    raw = with_change((*STUDY, "network"), {"taper": 0.5})
    assert parse_config(raw)
    raw["studies"][0]["grid"]["depth"] = [4]
    raw["studies"][0]["model"] = ["cnn"]
    assert "network.taper: cnn has no such setting, only mlp has. Hint: leave it out" in message(raw)
    raw["studies"][0]["model"] = ["cnn", "mlp"]
    assert parse_config(raw)


def test_two_studies_may_prepare_one_data_set_in_two_ways_each_in_a_file_of_its_own():
    raw = copy.deepcopy(VALID)
    raw["studies"].append({**VALID["studies"][0], "name": "b", "dataset": {"source": "digits", "train_size": 90}})
    first, second = parse_config(raw).studies
    assert [configurations_of(study)[0].keys()["dataset"] for study in (first, second)] == ["digits", "digits"]
    assert prepared_path(first.dataset) != prepared_path(second.dataset)
    del raw["studies"][1]["dataset"]["train_size"]
    assert prepared_path(parse_config(raw).studies[1].dataset) == prepared_path(first.dataset)


def test_batch_normalisation_needs_batches_of_two():
    raw = with_change((*STUDY, "training", "batch_size"), 1)
    assert parse_config(raw)
    raw["studies"][0]["grid"]["batch_norm"] = [True]
    assert "must be at least 2 with batch normalisation" in message(raw)


def test_all_training_samples_may_be_one_batch():
    raw = with_change((*STUDY, "training", "batch_size"), "all")
    raw["studies"][0]["grid"]["batch_norm"] = [True]
    training = parse_config(raw).studies[0].training
    assert training.samples_per_step(113) == 113
    assert training.model_copy(update={"batch_size": 20}).samples_per_step(113) == 20
    text = message(with_change((*STUDY, "training", "batch_size"), "everything"))
    assert "studies[0].training.batch_size: must be a whole number, not 'everything' or must be 'all'" in text


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("training", "optimiser"), "rmsprp", "training.optimiser: must be 'adam', 'rmsprop' or 'sgd', not 'rmsprp'"),
        (("training", "loss"), "mse", "training.loss: must be 'cross_entropy' or 'mean_squared_error', not 'mse'"),
        (("training", "ties"), "middle", "training.ties: must be 'first' or 'last', not 'middle'"),
        (("training", "rmsprop_alpha"), 1, "training.rmsprop_alpha: must be less than 1, not 1"),
        (("training", "optimiser_epsilon"), 0, "training.optimiser_epsilon: must be greater than 0, not 0"),
        (("training", "momentum"), 1.0, "training.momentum: must be less than 1, not 1.0"),
        (("network", "batch_norm_scale"), "U(0,1)", "network.batch_norm_scale: must be 'constant' or 'uniform'"),
        (("network", "batch_norm_momentum"), 0, "network.batch_norm_momentum: must be greater than 0, not 0"),
        (("network", "batch_norm_momentum"), 1.1, "network.batch_norm_momentum: must be at most 1, not 1.1"),
        (("network", "batch_norm_epsilon"), 0, "network.batch_norm_epsilon: must be greater than 0, not 0"),
    ],
)
def test_what_training_and_batch_normalisation_cannot_be_is_said(path, value, expected):
    assert f"studies[0].{expected}" in message(with_change((*STUDY, *path), value))


def test_what_snakemake_reads_in_every_job_brings_nothing_heavy():
    heavy = "[m for m in ('torch', 'altair', 'polars', 'numba', 'sklearn', 'PIL') if m in sys.modules]"
    modules = "nodescope.charts.registry, nodescope.estimates.plan, nodescope.datasets, nodescope.config.analyses"
    code = f"import sys, {modules}; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_measuring_recorded_layers_brings_nothing_heavy():
    heavy = "[m for m in ('torch', 'altair', 'pyarrow', 'numba') if m in sys.modules]"
    code = f"import sys, nodescope.measuring.runner; nodescope.measuring.runner.registered(); print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_numbers_that_yaml_reads_as_text_are_understood():
    raw = yaml.safe_load("learning_rates: [1e-3]")
    assert raw["learning_rates"] == ["1e-3"]
    config = parse_config(with_change((*STUDY, "training", "learning_rates"), raw["learning_rates"]))
    assert config.studies[0].training.learning_rates == [0.001]


def test_the_schema_is_up_to_date():
    hint = "run `make config` and commit the result"
    assert (REPOSITORY / SCHEMA_FILE).read_text(encoding="utf-8") == json_schema(), hint


def test_the_default_configuration_and_the_presets_fit_the_json_schema():
    import json

    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(json.loads(json_schema()))
    for path in [REPOSITORY / "config.yaml", *PRESETS]:
        validator.validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert list(validator.iter_errors({"studies": []}))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_presets_are_valid(path):
    assert parse_config(yaml.safe_load(path.read_text(encoding="utf-8"))).studies


def test_the_dissertation_preset_is_the_grid_of_288_networks():
    raw = yaml.safe_load((REPOSITORY / "presets" / "dissertation.yaml").read_text(encoding="utf-8"))
    grids = [s for s in parse_config(raw).studies if s.name.endswith("-grid")]
    assert sum(len(configurations_of(s)) * len(s.seeds) for s in grids) == 288
    assert all(s.training.epochs == 300 and s.training.learning_rates == [0.01, 0.001, 0.0001] for s in grids)


def test_identifiers_are_short_distinct_and_safe_as_paths():
    raw = with_change((*STUDY, "grid"), {
        "depth": [1, 2], "width": [8], "activation": ["relu", "leaky_relu"], "batch_norm": [False, True],
        "initialisation": ["orthogonal", "kaiming_normal"],
    })  # fmt: skip
    identifiers = [c.identifier for c in configurations_of(parse_config(raw).studies[0])]
    assert len(set(identifiers)) == 16
    assert "leakyrelu-2x8-bn-orthogonal" in identifiers
    assert all(set(i) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for i in identifiers)


def test_an_analysis_switched_off_takes_its_tables_and_charts_along():
    study = parse_config(with_change((*STUDY, "analyses"), {"sparsity": {"enabled": False}})).studies[0]
    assert "sparsity" not in table_names(study)
    assert "sparsity_summary" not in table_names(study)
    assert "sparsity" not in [chart.name for chart in charts_of(study)]


def test_every_chart_needs_only_tables_that_exist():
    raw = with_change((*STUDY, "training", "snapshots"), [1])
    raw["studies"][0] |= {"pattern_evolution": {}, "works": ["pretorius"]}
    raw["studies"][0]["grid"]["activation"] = ["relu", "tanh"]
    study = parse_config(raw).studies[0]
    assert [chart.name for chart in charts_of(study)] == list(CHARTS)
    assert set(study.analyses.enabled()) == set(Analyses.model_fields)


def test_works_are_named_or_there_is_nothing_to_hold_a_study_against():
    study = parse_config(with_change((*STUDY, "works"), ["park", "tutorial"])).studies[0]
    assert study.works == ["park", "tutorial"] and "claims" in table_names(study)
    none = parse_config(with_change((*STUDY, "works"), [])).studies[0]
    assert not set(SCORE_TABLES) & set(table_names(none))
    assert "scorecard" not in [chart.name for chart in charts_of(none)]
    with pytest.raises(ConfigError, match=r"unknown work 'parks'; did you mean 'park'\?"):
        parse_config(with_change((*STUDY, "works"), ["parks"]))


@pytest.mark.parametrize(
    ("changes", "compared"),
    [({"activation": ["relu"]}, False), ({"activation": ["relu", "selu"]}, True)],
)
def test_what_can_be_compared_is_trained_and_more_than_one(changes, compared):
    raw = with_change((*STUDY, "grid"), {"depth": [2], "width": [5], **changes})
    study = parse_config(raw).studies[0]
    assert is_compared(study) == compared == ("comparisons" in table_names(study))
    untrained = study.model_copy(update={"training": study.training.model_copy(update={"epochs": 0})})
    assert not is_compared(untrained)


@pytest.mark.parametrize("source", DATASET_SOURCES)
def test_every_data_set_can_be_named_in_a_configuration(source):
    path = {"name": "own", "path": "x"}
    own = {"function": {"name": "own", "data": "x.py:data"}, "npz": path, "image_folder": path}
    dataset = {"source": source, **own.get(source, {})}
    assert parse_config(with_change((*STUDY, "dataset"), dataset)).studies[0].dataset.source == source


def test_a_key_that_stands_twice_is_an_error_that_names_both_lines(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("studies:\n  - name: a\n    seeds: [0]\n    seeds: [1]\n")
    with pytest.raises(ConfigError, match=r"my.yaml: the key 'seeds' is repeated .* lines 3 and 4"):
        parse_config({"studies": []}, [path])
    path.write_text("a: &a {b: 1}\nc: *a\nd: {b: 1}\n")
    with pytest.raises(ConfigError) as error:
        parse_config({"studies": []}, [path])
    assert "twice" not in str(error.value)


def test_the_schema_for_editors_states_every_bound_in_their_words():
    schema = json.loads((REPOSITORY / "workflow" / "schemas" / "config.schema.json").read_text())
    training = schema["$defs"]["Training"]["properties"]
    assert training["learning_rates"]["anyOf"][0]["exclusiveMinimum"] == 0
    assert (training["refinement_rounds"]["minimum"], training["refinement_rounds"]["maximum"]) == (0, 5)

    def keys(node):
        if isinstance(node, dict):
            yield from node
            for value in node.values():
                yield from keys(value)
        elif isinstance(node, list):
            for value in node:
                yield from keys(value)

    assert not {"ge", "gt", "le", "lt"} & set(keys(schema))
