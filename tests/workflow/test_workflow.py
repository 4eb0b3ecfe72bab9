"""The workflow as a user runs it: in a folder with a space in its path, from nothing to the report, and again.

The tests of this module share one project and run in order, since each starts from what the one before left;
together they are one story: a first run, a second that does nothing, changes that re-run what depends on them,
faults, and how they are mended.
"""

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
import torch
from browsing import needs_chromium, open_browser, show, visit
from conftest import REPOSITORY
from PIL import Image
from playwright.sync_api import expect
from polars.testing import assert_frame_equal
from project import Project, without_analyses

import nodescope
from nodescope.study.comparison import compare_results

CONFIG = {
    "download": False,
    "studies": [
        {
            "name": "flowers",
            "dataset": {"source": "iris", "validation_size": 0.2},
            "grid": {"depth": [2], "width": [6], "activation": ["relu", "sigmoid"], "batch_norm": [False]},
            "seeds": [0, 1],
            "works": ["pretorius"],
            "training": {
                "epochs": 6,
                "batch_size": 16,
                "learning_rates": [0.01],
                "refinement_rounds": 0,
                "snapshots": [2],
            },
        }
    ],
}


def with_changes(**changes):
    return {"studies": [CONFIG["studies"][0] | changes]}


def with_dataset(dataset):
    return with_changes(dataset=dataset)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("a folder") / "with spaces", CONFIG)


def test_the_plan_is_printed_before_anything_runs(project):
    output = project.snakemake("plan")
    assert "Study flowers: 4 networks (2 configurations x 2 seeds; 4 with all learning rates), 6 epochs each" in output
    assert "0 of 10 done" in output


def test_a_run_ends_with_a_report(project):
    output = project.snakemake(env=project.environment())
    assert "The report is at reports/index.html" in output
    assert re.search(
        r"flowers/relu-2x6, round 1 of 1 \(2 nets\): epoch 6 of 6, best validation accuracy [\d.]+ %", output
    )
    html = (project.path / "reports" / "index.html").read_text()
    assert re.search(r"Figure [\d.]+\.</span> Which network is most accurate", html)
    assert "Figures by published number" in html
    assert re.search(r"\d+ of \d+ claims and printed numbers can be judged", html)
    numbers = project.table("scorecard")  # flowers are not what the works look at
    assert len(numbers) == 69 and set(numbers["verdict"]) == {"not run"}
    accuracy = project.table("accuracy")
    assert accuracy["accuracy"].null_count() == 0
    assert len(accuracy) == 2 * 2 * 3
    log = (project.path / "logs" / "flowers" / "train" / "relu-2x6.log").read_text()
    assert "epoch 6 of 6" in log
    assert not (project.path / "results" / "flowers" / ".progress" / "relu-2x6").exists()


def test_a_run_in_one_process_gives_the_same_tables_to_the_last_bit(project, tmp_path):
    results = nodescope.run(CONFIG, results=tmp_path / "results", reports=tmp_path / "reports")
    tables, differences = compare_results(project.path / "results", results)
    assert tables > 20 and differences == []
    name = "results/flowers/models/relu-2x6/seed-1/trained.safetensors"
    assert (tmp_path / name).read_bytes() == (project.path / name).read_bytes()
    assert "Which network is most accurate" in (tmp_path / "reports" / "index.html").read_text()


@needs_chromium
def test_every_figure_is_drawn_in_a_browser_without_a_network(project):
    with open_browser() as browser, visit(browser) as visited:
        page = visited.open(project.path / "reports" / "index.html")
        figures = page.locator(".chart")
        assert figures.count() > 15
        for figure in figures.all():
            show(page, figure.get_attribute("data-figure"))
            figure.scroll_into_view_if_needed()
            expect(figure).to_have_attribute("data-drawn", "yes")
            expect(figure.locator("canvas, table, button").first).to_be_attached()
        assert page.get_by_text("could not be drawn").count() == 0
        visited.check()


def test_every_table_is_there_as_parquet_and_csv_and_holds_the_same(project):
    folder = project.path / "results" / "flowers" / "tables"
    for path in folder.glob("*.parquet"):
        frame = pl.read_parquet(path)
        lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
        as_text = frame.schema | dict.fromkeys(lists, pl.String)
        again = pl.read_csv(path.with_suffix(".csv"), schema=as_text).with_columns(pl.col(lists).str.split(" "))
        assert_frame_equal(again.cast(frame.schema), frame)
        assert len(frame) > 0 or path.stem in ("weight_images", "mean_inputs")  # flowers are no images
    assert {p.stem for p in folder.glob("*.parquet")} == {
        "classes", "learning_curves", "accuracy", "replicas", "medians", "activity", "dead_nodes", "sparsity", "sparsity_summary",
        "patterns", "statistics", "layer_distributions",
        "node_kinds", "node_kinds_summary", "node_fates", "node_fates_summary", "selectivity", "class_aucs", "top_samples",
        "redundancy",
        "redundancy_summary", "node_order", "dormant", "oui", "kin",
        "dimension", "collapse", "probes", "input_probe", "class_accuracy", "class_accuracy_summary", "confusion", "alignment",
        "distributions", "node_histograms", "densities", "layer_accuracy", "weights", "weight_distributions", "gradients",
        "local_gradients",
        "diagnosis", "remedies", "comparisons",
        "scorecard", "claims", "differences",
        "ablation", "ablation_classes", "ablation_joint", "weight_images", "mean_inputs", "samples",
        "cka", "cka_between", "layer_map", "layer_map_axes",
    }  # fmt: skip


def test_the_classes_of_every_table_have_names(project):
    names = project.table("classes")
    for table in ("medians", "activity", "distributions", "node_histograms", "densities"):
        found = project.table(table).join(names, on=["dataset", "class"], how="left")
        assert sorted(found["class_name"].unique()) == ["setosa", "versicolor", "virginica"]
        assert found["class_name"].null_count() == 0


def test_polars_and_duckdb_read_the_tables_as_the_documentation_shows(project):
    import duckdb

    pages = [REPOSITORY / "README.md", REPOSITORY / "docs" / "results.md"]
    blocks = [block for page in pages for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.S)]
    assert len(blocks) == 4 and any("duckdb" in block for block in blocks)
    for block in blocks:
        code = block.replace("results/digits", f"{project.path}/results/flowers")
        names: dict = {"duckdb": duckdb}
        exec(compile(code, "documentation", "exec"), names)
        assert len(names["result"]) > 0


def test_a_second_run_does_nothing(project):
    assert project.jobs() == {}


def test_a_data_set_with_other_settings_is_prepared_beside_the_first_and_going_back_finds_it(project):
    other = with_dataset({"source": "iris", "validation_size": 0.2, "split_seed": 7})
    with project.changed(other):
        project.snakemake("datasets")
    prepared = sorted(path.name for path in (project.path / "results" / "datasets").glob("*.npz"))
    assert len(prepared) == 2 and all(re.fullmatch(r"iris-[0-9a-f]{8}\.npz", name) for name in prepared)
    assert project.jobs() == {}
    with project.changed(other):
        assert project.jobs("datasets") == {}
        assert "prepare_dataset" not in project.jobs() and project.jobs()["train_configuration"] == 2


def test_deleting_one_table_runs_one_measurement_again(project):
    (project.path / "results/flowers/tables/medians/relu-2x6.parquet").unlink()
    before = project.table("medians")
    jobs = project.jobs()
    assert {name: n for name, n in jobs.items() if name.startswith(("train", "record", "measure"))} == {
        "measure_nodes": 1
    }
    project.snakemake()
    assert project.table("medians").equals(before)
    (project.path / "results/flowers/tables/accuracy.csv").unlink()
    made_of_tables = (
        "collect_tables",
        "draw_samples",
        "compare_configurations",
        "diagnose_study",
        "score_study",
        "tables",
    )
    assert project.jobs("tables") == dict.fromkeys(made_of_tables, 1)
    project.snakemake()


def test_a_changed_colour_draws_charts_and_nothing_else(project):
    with project.changed(CONFIG | {"charts": {"class_colours": ["#000000", "#ff0000", "#00ff00"]}}):
        assert set(project.jobs()) == {"draw_charts", "build_report", "all"}
    assert project.jobs() == {}


def test_a_changed_option_measures_what_depends_on_it_again(project):
    config = copy.deepcopy(CONFIG)
    config["studies"][0]["analyses"] = {"layer_accuracy": {"bandwidth": 0.3}}
    with project.changed(config):
        jobs = project.jobs()
    assert jobs["measure_classifiers"] == 2
    assert not {"train_configuration", "record_activations", "measure_nodes", "measure_networks"} & set(jobs)
    config["studies"][0]["theta_threshold"] = 0.5
    with project.changed(config):
        jobs = project.jobs()
    # Inputs where a node is on are measured on the networks.
    assert {"measure_nodes", "measure_classifiers", "measure_networks"} <= set(jobs)
    assert not {"train_configuration", "record_activations"} & set(jobs)


def test_a_new_width_trains_the_new_networks_only(project):
    config = copy.deepcopy(CONFIG)
    config["studies"][0]["grid"]["width"] = [6, 7]
    with project.changed(config):
        jobs = project.jobs()
    assert jobs["train_configuration"] == 2
    assert jobs["measure_nodes"] == 2


def test_an_edit_of_the_code_of_one_analysis_runs_its_job_again(project):
    source = project.path / "src/nodescope/analyses/sparsity.py"
    text = source.read_text()
    source.write_text(text + "\n# an edit\n")
    jobs = project.jobs()
    assert jobs["measure_nodes"] == 2
    assert not {"train_configuration", "measure_classifiers", "measure_networks"} & set(jobs)
    source.write_text(text)
    assert project.jobs() == {}


def test_an_edit_of_the_losses_trains_and_measures_the_networks_again(project):
    source = project.path / "src/nodescope/networks/losses.py"
    text = source.read_text()
    source.write_text(text + "\n# an edit\n")
    jobs = project.jobs()
    assert jobs["train_configuration"] == jobs["measure_networks"] == 2
    source.write_text(text)
    assert project.jobs() == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"studys": []}, "studys: unknown key; did you mean 'studies'?"),
        ({"studies": [CONFIG["studies"][0], CONFIG["studies"][0]]}, "2 studies are named 'flowers'"),
        (with_dataset("mnist"), "train-images-idx3-ubyte"),
        (with_dataset({"source": "iris", "validation_size": 500}), "validation_size takes 500 samples"),
        (with_dataset({"source": "image_folder", "name": "p", "path": "gone"}), "there is no folder gone/train"),
        (with_changes(model="resnet"), "resnet needs images (channel, row, column), but a sample has the shape (4,)"),
        (with_changes(network={"weights": "gone-{depth}.pth"}), "weights, relu-2x6: There is no file of weights gone-2.pth"),
        (
            with_changes(analyses={"local_gradients": {"layers": ["hidden.2.linear"]}}),
            "has no layer 'hidden.2.linear'; did you mean 'hidden.1.linear'? Allowed: hidden.0.linear, hidden.1.linear, output",
        ),
    ],
)  # fmt: skip
def test_a_mistake_ends_with_a_message_before_any_job_and_leaves_results_alone(project, change, expected):
    before = project.table("accuracy")
    with project.changed(CONFIG | change):
        output = project.snakemake(expect=1)
    assert expected in output
    assert "Traceback" not in output and "Job stats" not in output
    assert project.table("accuracy").equals(before)


def test_a_truncated_recording_is_named_and_the_next_run_goes_on(project):
    recorded = project.path / "results/flowers/activations/relu-2x6"
    damaged = recorded / "seed-1/trained/train/layer-2.parquet"
    before = project.table("activity")
    damaged.write_bytes(damaged.read_bytes()[:-30])
    (project.path / "results/flowers/tables/activity/relu-2x6.parquet").unlink()
    output = project.snakemake(expect=1)
    assert "layer-2.parquet cannot be read" in output
    assert "Hint: delete the activations folder" in output
    shutil.rmtree(recorded)
    jobs = project.jobs()
    assert jobs["record_activations"] == 1 and "train_configuration" not in jobs
    project.snakemake("tables")
    assert project.table("activity").equals(before)


def test_a_killed_training_goes_on_where_it_was(project):
    """Kill the training job after its first checkpoint; the retried run resumes and gives what it gave before."""
    config = copy.deepcopy(CONFIG)
    config["studies"][0] |= {"name": "long", "seeds": [0]}
    config["studies"][0]["grid"]["activation"] = ["relu"]
    config["studies"][0]["training"] |= {"epochs": 3000, "snapshots": []}
    project.configure(config)
    source = project.path / "src/nodescope/training/rounds.py"
    source.write_text(
        re.sub(r"SECONDS_BETWEEN_CHECKPOINTS = [\d.]+", "SECONDS_BETWEEN_CHECKPOINTS = 0.2", source.read_text())
    )
    target = "results/long/tables/accuracy/relu-2x6.parquet"
    checkpoint = project.path / "results/long/.progress/relu-2x6/round-0.safetensors"
    command = [sys.executable, "-m", "snakemake", "--cores", "2", target]
    running = subprocess.Popen(
        command, cwd=project.path, env=project.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 400
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert checkpoint.exists() and not (project.path / target).exists()

    project.snakemake("--unlock")
    output = project.snakemake("--rerun-incomplete", target)
    assert re.search(r"resuming after epoch \d+", output)
    resumed = pl.read_parquet(project.path / "results/long/tables/learning_curves/relu-2x6.parquet")

    shutil.rmtree(project.path / "results/long")
    project.snakemake(target)
    undisturbed = pl.read_parquet(project.path / "results/long/tables/learning_curves/relu-2x6.parquet")
    assert resumed.equals(undisturbed)


def test_own_data_and_temporary_activations(project):
    """An npz of one's own; a diverging rate is a result; activations are deleted after use."""
    random = np.random.default_rng(0)
    y = np.arange(90) % 3
    np.savez(
        project.path / "own data.npz",
        x=random.normal(size=(90, 4)) + 3 * y[:, None],
        y=np.array(["a", "b", "<b>c</b>"])[y],
    )
    study = {
        "name": "own", "keep_activations": "never", "seeds": [0],
        "dataset": {"source": "npz", "name": "own", "path": "own data.npz", "validation_size": 0.3},
        "grid": {"depth": [1], "width": [4], "activation": ["relu", "tanh"], "batch_norm": [False]},
        "training": {"epochs": 2, "learning_rates": [1e30], "refinement_rounds": 0},
        "analyses": without_analyses(but=("medians", "gradients")),
    }  # fmt: skip
    project.configure({"studies": [study]})
    project.snakemake()
    assert not list((project.path / "results/own/activations").glob("*/seed-*"))
    replicas = pl.read_parquet(project.path / "results/own/tables/replicas.parquet")
    assert replicas.filter(pl.col("activation") == "relu")["diverged_epoch"].to_list() == [1]
    html = (project.path / "reports/index.html").read_text()
    assert "of the kept networks diverged" in html
    assert "<b>c</b>" not in html
    assert project.jobs() == {}

    np.savez(project.path / "own data.npz", x=random.normal(size=(60, 4)), y=np.arange(60) % 2)
    os.utime(project.path / "own data.npz", (10**9, 10**9))  # an older file in its place
    assert project.jobs("datasets")["prepare_dataset"] == 1


def test_networks_start_anew_from_weights_that_an_older_file_replaces(project):
    def save(seed):
        tensors = {f"{layer}.{kind}": shape for layer, sizes in (("0", (6, 4)), ("2", (3, 6)))
                   for kind, shape in (("weight", sizes), ("bias", sizes[:1]))}  # fmt: skip
        generator = torch.Generator().manual_seed(seed)
        torch.save(
            {name: torch.randn(shape, generator=generator) for name, shape in tensors.items()}, project.path / "w.pt"
        )

    study = {
        "name": "begun", "seeds": [0], "dataset": "iris", "grid": {"depth": 1, "width": 6, "activation": "relu"},
        "network": {"weights": "w.pt", "bias": "all_and_output"},
        "training": {"epochs": 1, "learning_rates": 0.01, "refinement_rounds": 0},
    }  # fmt: skip
    save(0)
    project.configure({"studies": [study]})
    project.snakemake("networks")
    assert project.jobs("networks") == {}
    save(1)
    os.utime(project.path / "w.pt", (10**9, 10**9))
    assert project.jobs("networks")["train_configuration"] == 1


def test_a_change_in_a_folder_of_images_is_noticed_and_its_absence_too(project):
    """Mixed kinds of files, validation samples of its own; nothing runs again where nothing changed."""
    folder = project.path / "my shapes"
    random = np.random.default_rng(0)
    for part, label, n in (("train", "disc", 9), ("train", "star", 9), ("Valid", "disc", 2), ("Valid", "star", 2)):
        (folder / part / label).mkdir(parents=True)
        for number in range(n):
            picture = Image.fromarray(random.integers(0, 65536, (6, 5)).astype(np.uint16))
            picture.save(folder / part / label / f"{number}.{'png' if number % 2 else 'tif'}")
    dataset = {"source": "image_folder", "name": "shapes", "path": "my shapes"}
    project.configure({"studies": [CONFIG["studies"][0] | {"name": "shapes", "dataset": dataset}]})
    project.snakemake("datasets")
    (description,) = (project.path / "results" / "datasets").glob("shapes-*.json")
    prepared = json.loads(description.read_text())
    assert prepared["dtype"] == "float32" and prepared["splits"]["validation"]["samples"] == 4
    assert any("more than 8 bits" in sentence for sentence in prepared["decisions"])

    (folder / ".DS_Store").write_bytes(b"left by the system")
    assert project.jobs("datasets") == {}
    shutil.copy(folder / "train" / "disc" / "0.tif", folder / "train" / "star" / "more.tif")
    assert project.jobs("datasets")["prepare_dataset"] == 1
    project.snakemake("datasets")
    assert json.loads(description.read_text())["samples"] == prepared["samples"] + 1
    assert project.jobs("datasets") == {}

    Image.new("RGBA", (5, 6), (0, 0, 0, 90)).save(folder / "train" / "disc" / "0.tif")
    output = project.snakemake("datasets", expect=1)
    assert "0.tif is transparent in 100% of its pixels" in output and "background: white" in output
    assert "prepare_dataset" not in output
