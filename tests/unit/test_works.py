"""A published work is a folder: the example of docs/works.md is found, judged and referred to like those that come along."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nodescope.study.contents import SCORED_TABLES
from nodescope.works.claims import claims_of
from nodescope.works.published_figures import figures_of
from nodescope.works.registry import WORKS

REPOSITORY = Path(__file__).parents[2]
#: A path in backticks, a colon, and the block that is to be written there.
FILES = re.compile(r"^`src/nodescope/works/(\S+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)

JUDGE = """
import json, sys
import nodescope.works
nodescope.works.__path__.append(sys.argv[1])
import polars as pl
from nodescope.config.loading import parse_config
from nodescope.works.scoring import score

grid = {"depth": [2], "width": [6], "activation": ["relu"]}
entry = {"name": "mine", "dataset": "digits", "works": ["smith"], "grid": grid, "training": {"epochs": 40}}
study = parse_config({"studies": [entry]}).studies[0]
net = {"dataset": "digits", "model": "mlp", "depth": 2, "width": 6, "activation": "relu", "batch_norm": False}
sparsities = {1: [0.40, 0.41, 0.42], 2: [0.70, 0.71, 0.72]}
rows = [
    net | {"seed": seed, "state": "trained", "split": "train", "layer": layer, "sparsity": value}
    for layer, values in sparsities.items() for seed, value in enumerate(values)
]
table = pl.DataFrame(rows, schema_overrides=dict.fromkeys(("depth", "width", "layer"), pl.Int32))
scored = score({"sparsity": table}, study)
without = score({"sparsity": table.drop("activation")}, study)["claims"]
print(json.dumps({
    "claims": scored["claims"].select("claim", "work", "verdict", "seeds", "cases").rows(),
    "numbers": scored["scorecard"].select("place", "layer", pl.col("published").round(6), "verdict").rows(),
    "differences": scored["differences"].select("what", "published", "ours").rows(),
    "without": without["evidence"].to_list(),
}))
"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """What a study that names the work of the documentation gets, in a process of its own."""
    folder = tmp_path_factory.mktemp("works")
    for name, text in FILES.findall((REPOSITORY / "docs" / "works.md").read_text(encoding="utf-8")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert sorted(path.name for path in (folder / "smith").iterdir()) == [
        "__init__.py", "claims.py", "figures.py", "measured.py", "printed", "protocol.py",
    ]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", JUDGE, folder], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def test_the_claim_of_the_documentation_is_judged(judged):
    assert judged["claims"] == [["sparsity_grows", "Smith 2024", "holds", 3, 1]]
    assert judged["without"] == ["Not run: the study has no axis activation."]


def test_the_numbers_of_the_documentation_stand_beside_ours(judged):
    assert judged["numbers"] == [["table 2", "1", 0.412, "agrees"], ["table 2", "2", 0.587, "differs"]]


def test_the_protocol_of_the_documentation_says_what_differs(judged):
    assert judged["differences"] == [["epochs", "50", "40"]]


def test_the_configuration_and_the_plan_load_nothing_heavy_for_the_works():
    heavy = ("polars", "torch", "altair", "scipy", "sklearn")
    look = f"import sys, nodescope.works.registry; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("work", WORKS.values(), ids=lambda work: work.name)
def test_a_work_says_what_it_is_and_what_it_is_judged_from(work):
    assert (WORKS[work.name], work.package) == (work, f"nodescope.works.{work.name}")
    assert work.citation and work.title and work.datasets and work.families
    assert set(work.tables) <= set(SCORED_TABLES)
    assert bool(work.tables) == bool(claims_of(work))
    assert figures_of(work) and all(figure.numbers and figure.content for figure in figures_of(work))
    assert work.module("no_such_module") is None
