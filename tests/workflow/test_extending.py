"""The examples of docs/extending.md, word for word: written into a copy of the project, run, and looked at on the page."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import yaml
from browsing import needs_chromium, open_browser, visit
from conftest import REPOSITORY
from playwright.sync_api import expect
from project import Project, without_analyses
from safetensors.numpy import load_file
from scipy import stats

from nodescope.findings.collected import read_statements
from nodescope.recording import read
from nodescope.storage.json_files import read_json
from nodescope.study.layout import StudyFiles, activation_path, model_path

GUIDE = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
#: A path in backticks, a colon, and the block that is to be written there.
BLOCK = re.compile(r"^`(\S+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^snakemake --cores 8 (.*)$", re.MULTILINE)
STATES, SPLITS, SEEDS, LAYERS = ("initial", "trained"), ("train", "validation", "test"), (0, 1, 2), (1, 2)
NETWORKS = ("relu-2x6", "strided-relu-2x6")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The project with the examples, after the command of the guide."""
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    project = Project(tmp_path_factory.mktemp("extended"), config)
    for name, text in BLOCK.findall(GUIDE):
        path = project.path / name
        assert not path.exists(), f"the guide edits {name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with_few_analyses(project.path / "my.yaml")
    (arguments,) = COMMAND.findall(GUIDE)
    project.snakemake("--quiet", "rules", *arguments.split())
    return project


def with_few_analyses(path):
    """Switch off all analyses but the new one: they take time, and nothing here is about them."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for study in config["studies"]:
        study["analyses"] = without_analyses(but=())
    path.write_text(yaml.safe_dump(config), encoding="utf-8")


@pytest.fixture(scope="module")
def files(project):
    return StudyFiles.of("ranks", project.path / "results")


def table(files, name):
    return pl.read_parquet(files.table(name))


def test_every_block_of_the_guide_names_its_file():
    headed = [name for name, _ in BLOCK.findall(GUIDE)]
    assert len(set(headed)) == len(headed) == len(re.findall(r"^```\w+$", GUIDE, re.MULTILINE))


def test_the_new_analysis_is_measured_as_its_formula_says(files):
    found = table(files, "effective_rank")
    assert set(found["configuration"]) == set(NETWORKS)
    assert len(found) == len(NETWORKS) * len(STATES) * len(SPLITS) * len(SEEDS) * len(LAYERS)
    assert found["effective_rank"].is_between(1, 6).all()
    for row in found.iter_rows(named=True):
        place = (row["seed"], row["state"], row["split"], row["layer"])
        activations = read(activation_path(str(files.activations(row["configuration"])), *place))
        assert row["effective_rank"] == pytest.approx(reference_effective_rank(activations.a()), rel=1e-6), row


def reference_effective_rank(a_JN):
    """From the eigenvalues of the scatter matrix, whose roots are the singular values."""
    a_JN = a_JN.astype(np.float64)
    scatter_JJ = np.zeros((len(a_JN), len(a_JN)))
    for a_J in (a_JN - a_JN.mean(axis=1)[:, None]).T:
        scatter_JJ += np.outer(a_J, a_J)
    values = [eigenvalue**0.5 for eigenvalue in np.linalg.eigvalsh(scatter_JJ) if eigenvalue > 1e-9]
    shares = [value / sum(values) for value in values]
    return np.prod([share**-share for share in shares])


def test_the_new_family_has_as_many_parameters_as_are_declared(files):
    declared = pl.read_parquet(files.layers()).filter(configuration=NETWORKS[1])
    assert declared["kind"].to_list() == ["convolution", "convolution", "linear"]
    assert declared["positions"].to_list() == [16, 4, 1]
    trained = load_file(model_path(files.models(NETWORKS[1]), 0, "trained"))
    for name, parameters in declared.select("name", "parameters").iter_rows():
        assert parameters == sum(tensor.size for key, tensor in trained.items() if key.startswith(f"{name}."))
    networks = pl.read_parquet(files.networks()).filter(configuration=NETWORKS[1])
    assert set(networks["parameters"]) == {sum(tensor.size for tensor in trained.values())} == {460}


def test_the_new_claim_is_judged(files):
    (claim,) = table(files, "claims").filter(claim="rank_falls").to_dicts()
    ranks = table(files, "effective_rank").filter(state="trained", split="train")
    first, last = (ranks.filter(layer=layer).sort("configuration", "seed")["effective_rank"] for layer in LAYERS)
    assert claim["statistic"] == pytest.approx((first - last).mean())
    low, high = t_interval([float(np.mean(part)) for part in (first - last).to_numpy().reshape(len(NETWORKS), -1).T])
    assert (claim["interval_low"], claim["interval_high"]) == pytest.approx((low, high))
    assert claim["verdict"] in ("holds", "does not hold", "cannot tell")
    assert low > 0 or claim["verdict"] != "holds"
    assert (claim["work"], claim["seeds"], claim["cases"]) == ("Jones 2023", 3, 2)


def t_interval(values):
    """The 95 % t interval of the mean."""
    return stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))


def test_the_new_finding_is_a_sentence_with_the_numbers_of_the_table(project, files):
    (finding,) = (each for each in read_statements(files.findings) if each.name == "effective_rank")
    ranks = table(files, "effective_rank").filter(state="trained", split="train")
    first, last = (ranks.filter(layer=layer).sort("configuration", "seed")["effective_rank"] for layer in LAYERS)
    per_seed = [float(np.mean(part)) for part in (last - first).to_numpy().reshape(len(NETWORKS), -1).T]
    assert finding.value == pytest.approx(np.mean(per_seed))
    assert (finding.low, finding.high) == pytest.approx(t_interval(per_seed))
    assert f"{first.mean():.1f} dimensions in the first hidden layer" in finding.sentence
    assert f"{last.mean():.1f} dimensions in the last" in finding.sentence
    assert finding.sentence in (project.path / "reports" / "findings.md").read_text(encoding="utf-8")
    assert finding.said == (finding.low > 0 or finding.high < 0) and finding.figure == "effective_rank"


def test_the_rule_of_ones_own_has_run(project, files):
    (highest,) = pl.read_csv(project.path / "results" / "highest_rank.csv").to_dicts()
    assert highest["effective_rank"] == pytest.approx(table(files, "effective_rank")["effective_rank"].max())


@needs_chromium
def test_the_page_shows_the_new_quantity_in_its_unit_and_with_no_percent_sign(project, files):
    ranks = table(files, "effective_rank").filter(state="trained", split="train")
    means = ranks.group_by("configuration", "layer").agg(pl.col("effective_rank").mean())["effective_rank"]
    with open_browser() as browser, visit(browser) as visited:
        page = visited.open(project.path / "reports" / "index.html")
        figure = page.locator('.chart[data-figure="ranks/effective-rank"]')
        figure.scroll_into_view_if_needed()
        expect(figure).to_have_attribute("data-drawn", "yes")
        said = figure.get_attribute("aria-label")
        assert f"{means.min():.1f} dimensions to {means.max():.1f} dimensions" in said
        assert "Effective rank by layer" in said and "%" not in said
        hovered = hover_text(page, figure.locator("canvas"))
        assert re.search(r"^effective rank: \d\.\d dimensions \(95 % interval", hovered, re.MULTILINE)
        text = page.locator("#main").text_content()
        for expected in (
            "Jones 2023, figure 1",
            "The effective rank falls from layer to layer.",
            "the exponential of the",
        ):
            assert expected in text, expected
        visited.check()
    drawn = next(entry for entry in read_json(files.figure_index)["figures"] if entry["name"] == "effective-rank")
    drawn = json.dumps(drawn["specification"])
    assert "effective rank (dimensions)" in drawn and "%" not in drawn


def hover_text(page, canvas):
    """What the page says of the first mark that the pointer finds, moving downwards between the first layer and the last."""
    box = canvas.bounding_box()
    for share in (n / 40 for n in range(6, 24)):
        for y in range(0, int(box["height"]), 3):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + y)
            if page.locator("#readout").is_visible():
                return page.locator("#readout").inner_text()
    raise AssertionError("the pointer finds no mark")


def test_the_tests_that_run_over_all_analyses_families_and_works_run_over_the_new_ones(project):
    """They need not be told of them."""
    for name in ("tests", "docs"):
        shutil.copytree(REPOSITORY / name, project.path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", project.path)
    modules = ("families", "analyses", "works")
    chosen = "(effective_rank or strided or jones) and not what_its_analysis_declares"  # which needs a study of its own
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, "--durations=8",
         *(f"tests/unit/test_{name}.py" for name in modules)],
        cwd=project.path, env=project.environment(), capture_output=True, encoding="utf-8", timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 20
