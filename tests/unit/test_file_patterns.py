"""Patterns of checkpoints and recordings: what they fit, and the networks, states and identifiers that follow."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nodescope.charts.tables import declared_tables
from nodescope.config.module import Module
from nodescope.config.patterns import NO_AXES, TAKEN, placeholders
from nodescope.config.recordings import Recordings
from nodescope.messages.errors import ConfigError
from nodescope.study.file_patterns import expand
from nodescope.study.pattern_networks import identifiers, networks_of, with_states


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(*paths):
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def values(pattern, **keys):
    return [match.values for match in expand(pattern, **keys)]


def refusal(pattern):
    with pytest.raises(ConfigError) as error:
        networks_of(pattern)
    assert "Hint: " in str(error.value)
    return str(error.value)


# --- what a pattern fits ---


def test_numbers_are_sorted_as_numbers_and_gaps_are_no_matter(here):
    files(
        "runs/200/epoch-10.pt", "runs/200/epoch-2.pt", "runs/50/epoch-1.pt", "runs/50/notes.txt", "runs/50/.epoch-3.pt"
    )
    assert values("runs/{width}/epoch-{epoch}.pt") == [
        {"width": 50, "epoch": 1},
        {"width": 200, "epoch": 2},
        {"width": 200, "epoch": 10},
    ]


def test_an_axis_is_whole_numbers_numbers_or_texts(here):
    files("a/1/x.pt", "a/20/x.pt", "b/1/x.pt", "b/0.5/x.pt", "c/1e-05/x.pt", "c/2/x.pt", "d/1/x.pt", "d/all/x.pt")
    assert [m["n"] for m in values("a/{n}/x.pt")] == [1, 20]
    assert [m["n"] for m in values("b/{n}/x.pt")] == [0.5, 1.0]
    assert [m["n"] for m in values("c/{n}/x.pt")] == [1e-05, 2.0]
    assert [m["n"] for m in values("d/{n}/x.pt")] == ["1", "all"]
    assert all(type(m["n"]) is int for m in values("a/{n}/x.pt"))


def test_two_texts_of_one_number_stay_texts(here):
    files("a/1/x.pt", "a/01/x.pt", "b/1/x.pt", "b/1.0/x.pt")
    assert [m["n"] for m in values("a/{n}/x.pt")] == ["01", "1"]
    assert [m["n"] for m in values("b/{n}/x.pt")] == ["1", "1.0"]


def test_lightning_and_hugging_face_names_are_understood(here):
    files("l/epoch=3-step=400.ckpt", "l/epoch=10-step=1100.ckpt", "l/last.ckpt")
    files("h/checkpoint-500/model.safetensors", "h/checkpoint-1000/model.safetensors.index.json", "h/runs/events.bin.1")
    files("h/checkpoint-1500/trainer_state.json")
    assert values("l/epoch={epoch}-step={step}.ckpt") == [{"epoch": 3, "step": 400}, {"epoch": 10, "step": 1100}]
    assert [str(m.path) for m in expand("h/checkpoint-{step}")] == ["h/checkpoint-500", "h/checkpoint-1000"]
    assert [str(m.path) for m in expand("h/checkpoint-{step}/")] == ["h/checkpoint-500", "h/checkpoint-1000"]


def test_folders_are_no_recordings(here):
    files("out/layer-1.parquet", "out/layer-2.parquet/x.safetensors")
    assert [m["layer"] for m in values("out/{layer}.parquet", entries="files")] == ["layer-1"]


def test_a_placeholder_that_stands_twice_stands_for_the_same_text(here):
    files("50/net-50.pt", "50/net-200.pt", "x-x.pt", "x-y.pt")
    assert values("{width}/net-{width}.pt") == [{"width": 50}]
    assert values("{a}-{a}.pt") == [{"a": "x"}]


def test_a_star_is_any_text_that_is_not_used(here):
    files("logs/version_0/a.ckpt", "logs/version_1/b.ckpt")
    assert values("logs/version_{seed}/*.ckpt") == [{"seed": 0}, {"seed": 1}]
    files("logs/version_1/c.ckpt")
    assert "two files with the same values: logs/version_1/b.ckpt and logs/version_1/c.ckpt" in refusal(
        "logs/version_{seed}/*.ckpt"
    )


def test_a_name_that_fits_in_several_ways_is_refused(here):
    files("a-b-c.pt")
    assert "fits a-b-c.pt in several ways. Hint: separate placeholders" in refusal("{one}-{two}.pt")


def test_two_files_of_one_seed_are_refused(here):
    files("seed-1.pt", "seed-01.pt")
    assert "two files with the same values: seed-01.pt and seed-1.pt" in refusal("seed-{seed}.pt")


def test_absolute_patterns_and_folders_above_are_followed(here, monkeypatch):
    files("runs/1.pt", "work/x")
    monkeypatch.chdir("work")
    assert [m.path for m in expand(f"{here}/runs/{{seed}}.pt")] == [here / "runs/1.pt"]
    assert [str(m.path) for m in expand("../runs/{seed}.pt")] == ["../runs/1.pt"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (
            "runs/{width}/seed-{seed}/epoch-{epoch}.pt",
            "nearest: runs/200/seed0/epoch-1.pt. Hint: seed{seed} instead of seed-{seed}",
        ),
        ("run/{width}/seed{seed}/epoch-{epoch}.pt", "nearest: runs/200/seed0/epoch-1.pt. Hint: runs instead of run"),
        ("runs/{width}/seed{seed}/epoch-{epoch}.pth", "Hint: epoch-{epoch}.pt instead of epoch-{epoch}.pth"),
        ("runs/{width}/seed{seed}/epoch-{epoch}-{step}.pt", "nearest: runs/200/seed0/epoch-1.pt. Hint: a placeholder"),
        ("runs/{width}", "runs/200 is a folder without weights. Hint: name the files in it: runs/{width}/*.pt"),
    ],
)
def test_where_nothing_fits_the_nearest_path_and_the_remedy_are_said(here, pattern, said):
    files("runs/200/seed0/epoch-1.pt")
    text = refusal(pattern)
    assert text.startswith(f"no file fits {pattern}; ") and said in text


def test_an_empty_folder_is_said_to_be_empty(here):
    assert "there is nothing in" in refusal("runs/{seed}.pt")


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12)


@given(st.sets(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=6), NAMES, NAMES)
def test_what_is_written_by_a_pattern_is_read_back_by_it(tmp_path_factory, points, before, between):
    folder = tmp_path_factory.mktemp("written")
    before, between = (re.sub(r"[{}*0-9]", "_", text) for text in (before, between))
    if before.startswith("."):
        before = "_" + before
    pattern = f"{before}{{width}}{between}/seed{{seed}}.pt"
    for width, seed in points:
        files(folder / pattern.replace("{width}", str(width)).replace("{seed}", str(seed)))
    found = expand(f"{folder}/{pattern}")
    assert [(m.values["width"], m.values["seed"]) for m in found] == sorted(points)


# --- networks and states ---


def states(pattern):
    return {(*net.axes.values(), net.seed): list(net.states) for net in networks_of(pattern)}


def test_the_last_of_several_epochs_is_called_trained_in_every_network(here):
    files(*(f"50/{e}.pt" for e in (0, 2, 10)), *(f"200/{e}.pt" for e in (2, 30)))
    assert states("{width}/{epoch}.pt") == {
        (50, 0): ["epoch-0", "epoch-2", "trained"],
        (200, 0): ["epoch-2", "trained"],
    }
    assert networks_of("{width}/{epoch}.pt")[1].states["trained"] == Path("200/30.pt")


def test_a_single_file_is_the_trained_state(here):
    files("net.pt", "seeds/3.pt", "seeds/20.pt")
    assert states("net.pt") == {(0,): ["trained"]}
    assert states("seeds/{seed}.pt") == {(3,): ["trained"], (20,): ["trained"]}


def test_states_that_files_name_have_the_first_and_the_last_at_their_ends(here):
    files("trained.pt", "late-10.pt", "late-9.pt", "initial.pt")
    assert states("{state}.pt") == {(0,): ["initial", "late-9", "late-10", "trained"]}
    files("bad name.pt")
    assert "'bad name' cannot be the name of a state" in refusal("{state}.pt")


def test_of_epoch_and_step_one_is_named_where_it_is_enough(here):
    files("a/epoch=0-step=10.ckpt", "a/epoch=1-step=20.ckpt", "a/epoch=2-step=30.ckpt")
    files("b/epoch=0-step=10.ckpt", "b/epoch=0-step=20.ckpt", "b/epoch=1-step=30.ckpt")
    files("c/epoch=0-step=1.ckpt", "c/epoch=0-step=2.ckpt", "c/epoch=1-step=1.ckpt", "c/epoch=1-step=2.ckpt")
    assert list(states("a/epoch={epoch}-step={step}.ckpt").values()) == [["epoch-0", "epoch-1", "trained"]]
    assert list(states("b/epoch={epoch}-step={step}.ckpt").values()) == [["step-10", "step-20", "trained"]]
    assert list(states("c/epoch={epoch}-step={step}.ckpt").values()) == [
        ["epoch-0-step-1", "epoch-0-step-2", "epoch-1-step-1", "trained"]
    ]


def test_layers_and_splits_of_a_network_share_its_states(here):
    pattern = "{activation}/seed-{seed}/{epoch}/{split}/{layer}.parquet"
    files(
        *(
            f"relu/seed-0/{epoch}/{split}/{layer}.parquet"
            for epoch in (1, 2)
            for split in ("train", "test")
            for layer in ("layer-2", "layer-10")
        )
    )
    found = with_states(pattern, expand(pattern, entries="files"))
    assert [(m.values["state"], m.values["split"], m.values["layer"]) for m in found] == [
        (state, split, layer)
        for state in ("epoch-1", "trained")
        for split in ("test", "train")
        for layer in ("layer-2", "layer-10")
    ]


# --- identifiers ---


def test_identifiers_are_read_easily():
    rows = [{"width": 200, "rate": 0.01, "optimiser": "AdamW", "batch_size": 8}, {"shift": -1.5}, {"rate": 1e-05}]
    assert identifiers(rows, "mine") == ["width-200-rate-0-01-adamw-batch-size-8", "shift-minus-1-5", "rate-1e-05"]
    assert identifiers([{"net": "7b"}], "mine") == ["net-7b"]
    assert identifiers([{}], "My Study") == ["my-study"]


VALUES = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=200)


@given(st.lists(st.fixed_dictionaries({"one": VALUES, "two": VALUES}), unique_by=repr, max_size=8), st.data())
def test_identifiers_are_unique_safe_and_do_not_depend_on_the_order(rows, data):
    rows = [row for i, row in enumerate(rows) if row not in rows[:i]]
    found = identifiers(rows, "study")
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[a-z0-9-]{1,200}", name) for name in found)
    order = data.draw(st.permutations(range(len(rows))))
    assert identifiers([rows[i] for i in order], "study") == [found[i] for i in order]


# --- sections ---


def said_of(section, **keys):
    with pytest.raises(ValidationError) as error:
        section.model_validate(keys)
    return error.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"make": "my_net.build"}, "did you mean 'my_net.py:build'?"),
        ({"make": "my_net.py"}, "did you mean 'my_net.py:build'?"),
        ({"make": "a:b", "trust": True}, "trust cannot be used without checkpoints"),
        ({"make": "a:b", "checkpoints": "{seed.pt"}, "stands alone"),
        ({"make": "a:b", "checkpoints": "{}.pt"}, "{} is not a placeholder"),
        ({"make": "a:b", "checkpoints": "{loss}.pt"}, "an axis cannot be called loss"),
        ({"make": "a:b", "checkpoints": "{layer}.pt"}, "{layer} has no meaning here"),
        ({"make": "a:b", "checkpoints": "{state}-{epoch}.pt"}, "cannot be used with {epoch}"),
        ({"make": "a:b", "checkpoints": "{w}.pt", "with": {"w": 1}}, "w stands in with and is a placeholder"),
        ({"make": "a:b", "checkpoints": "{w}.pt", "state": "initial"}, "state names networks without checkpoints"),
    ],
)
def test_a_section_module_that_cannot_be_is_refused(keys, said):
    assert said in said_of(Module, **keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"files": "out/{seed}.parquet"}, "{layer} is required"),
        ({"files": "out/{layer}.txt"}, "the suffix must be .parquet"),
        ({"files": "{layer}.csv", "values": "pre_activation"}, "needs activation: one of identity, relu"),
        ({"files": "{layer}.csv", "activation": "rel"}, "unknown activation function 'rel'"),
        ({"files": "{layer}.csv", "activation": "{act}"}, "files have no placeholder {act}"),
        ({"files": "{layer}.csv", "values": "output", "activation": "relu"}, "outputs have no activation function"),
        ({"files": "{layer}.csv", "classes": [True, False]}, "valid string"),
    ],
)
def test_a_section_recordings_that_cannot_be_is_refused(keys, said):
    assert said in said_of(Recordings, **keys)


def test_sections_come_back_from_json_as_they_were():
    module = Module.model_validate({"make": "a.py:b", "checkpoints": "{w}.pt", "with": {"n": [1, 2]}, "ignore": "x.*"})
    recordings = Recordings.model_validate({"files": "{a}/{layer}.csv", "activation": "{a}", "classes": [0, "one"]})
    for section in (module, recordings):
        assert type(section).model_validate_json(section.model_dump_json()) == section
    assert module.arguments == {"n": [1, 2]}
    assert recordings.activation_of({"a": "tanh"}) == "tanh"


def test_a_folder_of_our_own_recordings_has_a_pattern():
    assert placeholders(Recordings(files="mine").pattern) == ("configuration", "seed", "state", "split", "layer")


def test_axes_cannot_be_called_as_columns_of_tables_are():
    columns = {column.name for table in declared_tables().values() if table.keys != "none" for column in table.columns}
    assert columns - TAKEN - {*NO_AXES} == set(), "add them to nodescope.config.patterns.TAKEN"


def test_patterns_are_expanded_without_anything_heavy():
    heavy = "{'torch', 'polars', 'numpy', 'sklearn', 'PIL', 'numba'}"
    code = f"import sys, nodescope.study.pattern_networks; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['numpy']")
