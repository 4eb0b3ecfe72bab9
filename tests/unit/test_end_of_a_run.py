"""What is left of a run in the folder of reports, and what is said of it."""

import os
import time

import numpy as np
import polars as pl
import pytest
from conftest import small_dataset

from nodescope.charts.context import Context
from nodescope.charts.gallery import comparisons as comparisons_chart
from nodescope.charts.gallery import test_accuracy as accuracy_chart
from nodescope.config.charts import Charts
from nodescope.config.loading import parse_config
from nodescope.findings.comparisons import compare_configurations
from nodescope.findings.diagnosis import compare_remedies
from nodescope.findings.divergence import divergence_report, divergences, results_of, sentences
from nodescope.jobs import run_end
from nodescope.messages.words import DIVERGENCE_HINT
from nodescope.report.overview import overview
from nodescope.report.publishing import published
from nodescope.storage.tables import write_table
from nodescope.study.axes import Configurations
from nodescope.study.configurations import configurations_of
from nodescope.training.configuration import network_shape, train_configuration

SCRIPT = "nodescope.receive({},{{}})\n"


@pytest.fixture
def reports(tmp_path):
    """The folder of an earlier page of the studies old and kept."""
    files = {
        "reports/index.html": "<!DOCTYPE html>\nold",
        "reports/README.md": "mine",
        "reports/data/old/medians.js": SCRIPT.format('"old/medians"'),
        "reports/data/kept/medians.js": SCRIPT.format('"of before"'),
        "reports/data/old/.snakemake_timestamp": "",
        "reports/figures/old/.snakemake_timestamp": "",
        "results/kept/page/.snakemake_timestamp": "",
        "reports/figures/old/medians.svg": "<svg>",
        "reports/figures/old/medians.vl.json": "{}",
        "reports/figures/kept/medians.svg": "<svg>",
        "reports/figures/my talk/slides.pdf": "%PDF",
        "reports/figures/my talk/opening.svg": "<svg>",
        "reports/figures/my talk/measured.csv": "a,b",
        "reports/partial/index.html": "<!DOCTYPE html>\npartial",
        "reports/partial/data/old/medians.js": SCRIPT.format('"old/medians"'),
        "results/kept/page/medians.js": SCRIPT.format('"kept/medians"'),
        "results/kept/page/activity.js": SCRIPT.format('"kept/activity"'),
        "results/old/page/medians.js": SCRIPT.format('"old/medians"'),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path / "reports"


def listed(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_folder_holds_what_the_page_lists_and_the_users_own_files(reports):
    (reports / "data" / "note.txt").write_text("mine")
    with published(reports, {"kept": reports.parent / "results" / "kept" / "page"}):
        (reports / "index.html").write_text("<!DOCTYPE html>\nnew")
    assert listed(reports) == [
        "README.md", "data/kept/activity.js", "data/kept/medians.js", "data/note.txt", "figures/kept/medians.svg",
        "figures/my talk/measured.csv", "figures/my talk/opening.svg", "figures/my talk/slides.pdf", "index.html",
    ]  # fmt: skip
    assert '"kept/medians"' in (reports / "data/kept/medians.js").read_text()
    assert (reports.parent / "results" / "old" / "page" / "medians.js").exists()
    assert not (reports / "data" / "old").exists() and not (reports / "figures" / "old").exists()
    assert not (reports / "partial").exists()


def test_a_build_that_fails_leaves_the_page_of_before_with_its_data(reports):
    before = {name: (reports / name).read_bytes() for name in listed(reports)}
    with pytest.raises(ZeroDivisionError), published(reports, {"kept": reports.parent / "results" / "kept" / "page"}):
        1 / 0  # noqa: B018
    assert {name: (reports / name).read_bytes() for name in listed(reports)} == before


def test_a_build_that_was_killed_between_old_and_new_data_is_mended_by_the_next(reports):
    (reports / "data" / "note.txt").write_text("mine")
    (reports / "data").rename(reports / ".data.old")
    (reports / ".data.new" / "half").mkdir(parents=True)
    with published(reports, {"kept": reports.parent / "results" / "kept" / "page"}):
        pass
    assert listed(reports / "data") == ["kept/activity.js", "kept/medians.js", "note.txt"]
    assert not (reports / ".data.old").exists() and not (reports / ".data.new").exists()


HEAD = """<!DOCTYPE html>
<meta name="nodescope-written" content="{}">
<meta name="nodescope-configuration" content="0a1b2c3d">
<meta name="nodescope-studies" content="wide &amp; deep, iris">
"""


def test_a_failed_run_says_of_which_run_the_page_is(tmp_path):
    page = tmp_path / "index.html"
    started = time.time()
    assert "is the page" not in run_end.on_failure(page, started, ["log"])
    page.write_text(HEAD.format("2024-02-29 23:59 UTC"))
    for age in (3600, 0):  # as it was, or put back by Snakemake just now
        os.utime(page, (started - age, started - age))
        said = run_end.on_failure(page, started, ["a.log", "b.log"])
        assert "a.log, b.log" in said
        assert "is the page of the earlier run of 2024-02-29 23:59 UTC" in said
        assert "configuration 0a1b2c3d; studies: wide & deep, iris" in said
    page.write_text(HEAD.format(time.strftime(run_end.WRITTEN, time.gmtime(started + 2))))
    assert "is the page" not in run_end.on_failure(page, started, ["log"])
    page.write_text("<!DOCTYPE html> of a version that did not say")
    os.utime(page, (started - 60, started - 60))
    assert "is the page of an earlier run" in run_end.on_failure(page, started, ["log"])


def test_a_run_that_ends_well_tells_of_the_page_and_of_what_diverged(tmp_path):
    assert run_end.on_success(tmp_path / "index.html", [], is_new=False) == ""
    said = run_end.on_success(tmp_path / "index.html", ["Study a: all gone."], is_new=True)
    assert "The report is at" in said and "Study a: all gone." in said


@pytest.fixture
def study():
    return parse_config({"studies": [{
        "name": "wild",
        "dataset": {"source": "npz", "name": "blobs", "path": "unused.npz"},
        "grid": {"depth": [1, 3], "width": [5], "activation": ["tanh"], "batch_norm": [False]},
        "seeds": [3, 5, 8],
        "training": {"epochs": 2, "batch_size": 16, "learning_rates": [0.01]},
    }]}).studies[0]  # fmt: skip


def replicas_of(study, diverged):
    """The table of the kept networks; ``diverged`` holds the first epoch without a finite loss of each."""
    rows = []
    for configuration, epochs in zip(configurations_of(study), diverged, strict=True):
        for seed, epoch in zip(study.seeds, epochs, strict=True):
            end = {
                "seed": seed, "learning_rate": 0.01, "round": 1, "best_epoch": 1, "validation_accuracy": 0.5,
                "objective": "cross_entropy",
            }  # fmt: skip
            rows += [
                {"configuration": configuration.identifier, **configuration.keys()}
                | end
                | {"chosen": chosen, "diverged_epoch": epoch}
                for chosen in (True, False)
            ]
    return pl.DataFrame(rows, schema_overrides={"diverged_epoch": pl.Int32}, infer_schema_length=None)


def curves_of(replicas, risen=()):
    """Training losses that fall, but those of the (configuration, seed) in ``risen``; squared errors do the opposite."""
    rows = []
    for row in replicas.filter("chosen").iter_rows(named=True):
        rose = (row["configuration"], row["seed"]) in risen
        kept = {name: row[name] for name in ("configuration", "seed", "learning_rate")}
        for split in ("train", "validation"):
            before, after = (1.0, 2.0) if rose == (split == "train") else (2.0, 1.0)
            for epoch, loss in enumerate((before, after, 1.5)):
                rows.append(kept | {"epoch": epoch, "split": split, "loss": loss, "mean_squared_error": 3 - loss})
    return pl.DataFrame(rows, schema_overrides={"epoch": pl.Int64}).lazy()


def found_in(study, replicas, risen=()):
    return divergences(Configurations.of(study), replicas, curves_of(replicas, risen))


def test_configurations_that_diverged_wholly_or_in_part_are_told_of(study, tmp_path):
    assert sentences(found_in(study, replicas_of(study, [[None] * 3] * 2))) == []
    table = replicas_of(study, [[2, None, 2], [1, 2, 2]])
    said = sentences(found_in(study, table))
    assert said == [
        "Every network of this configuration diverged, so it has no results: tanh 3x5 without BN.",
        "2 further networks diverged: 2 of 3 of tanh 1x5 without BN.",
    ]
    path = tmp_path / "wild" / "tables" / "replicas.parquet"
    assert divergence_report([study], tmp_path, 0) == []
    write_table(table, path)
    write_table(curves_of(table).collect(), path.with_name("learning_curves.parquet"))
    assert divergence_report([study], tmp_path, 0) == [
        *(f"Study wild: {sentence}" for sentence in said),
        DIVERGENCE_HINT,
    ]
    assert divergence_report([study], tmp_path, path.stat().st_mtime + 5) == []  # of an earlier run


def test_networks_whose_training_loss_rose_are_told_of_unless_they_diverged(study):
    shallow, deep = Configurations.of(study).identifiers
    table = replicas_of(study, [[None, 2, None], [None] * 3])
    risen = {(shallow, 5), (shallow, 8), (deep, 3)}
    assert sentences(found_in(study, table, risen)) == [
        "1 network diverged: 1 of 3 of tanh 1x5 without BN.",
        "The training loss of 2 networks is larger after training than before it: 1 of 3 of tanh 1x5 without BN; "
        "1 of 3 of tanh 3x5 without BN.",
    ]
    assert not any(one.wholly for one in found_in(study, table, risen))
    on_squares = table.with_columns(objective=pl.lit("mean_squared_error"))
    # Squared errors fall where the cross-entropies rise, and rise where they fall.
    assert [one.risen for one in found_in(study, on_squares, risen)] == [1, 2]


def accuracy_of(replicas):
    """The deeper nets are far better on every split."""
    others = [c for c in replicas.columns if c not in ("round", "chosen", "validation_accuracy", "diverged_epoch")]
    value = pl.when(pl.col("depth") == 3).then(0.99).otherwise(0.6)
    kept = replicas.filter("chosen").select(*others)
    return pl.concat(
        kept.with_columns(split=pl.lit(split), accuracy=value) for split in ("train", "validation", "test")
    )


def test_a_configuration_whose_networks_all_diverged_is_not_called_best(study):
    """Also where the parameters of an epoch before are kept and score well."""
    table = replicas_of(study, [[None] * 3, [2, 2, 2]])
    accuracy = accuracy_of(table)
    found = overview(Configurations.of(study), accuracy, table, curves_of(table))
    assert found.best.startswith("tanh 1x5")
    assert found.divergence == sentences(found_in(study, table))
    lost = replicas_of(study, [[1, 1, 2], [2, 2, 2]])
    nothing = overview(Configurations.of(study), accuracy, lost, curves_of(lost))
    assert nothing.best == "" and "these 2 configurations" in nothing.divergence[0]


def test_figures_do_not_rank_a_configuration_whose_networks_all_diverged(study):
    """One of two configurations; a net that diverged beside others that did not leaves its kept parameters."""
    context = Context(Charts(), ["a", "b"], Configurations.of(study))
    table = replicas_of(study, [[None, 2, None], [2, 1, 2]])
    accuracy = accuracy_of(table)
    shallow, deep = Configurations.of(study).identifiers
    answers = {
        shallow: {seed: np.arange(50) < 30 for seed in study.seeds},
        deep: {seed: np.arange(50) < 49 for seed in study.seeds},
    }
    comparisons = compare_configurations(results_of(accuracy, table), answers, Configurations.of(study))
    assert comparisons["is_best"].to_list() == [True, False]
    assert comparisons["value"].to_list() == [0.6, None] and comparisons["difference"].null_count() == 2
    tables = {"accuracy": accuracy, "replicas": table, "comparisons": comparisons}
    figure = accuracy_chart.figures(tables, context)[0]
    drawn = [row for rows in figure.chart.to_dict()["datasets"].values() for row in rows]
    assert {row["network"] for row in drawn if row.get("mean") is not None} == {"tanh 1x5 without BN"}
    assert "Diverged: tanh 3x5 without BN." in figure.caption
    (compared,) = comparisons_chart.figures(tables, context)
    assert "its difference from tanh 1x5 without BN, the best on validation samples" in compared.caption

    everything = replicas_of(study, [[2, 2, 2], [2, 1, 2]])
    nothing = {"accuracy": accuracy, "replicas": everything}
    nothing["comparisons"] = compare_configurations(results_of(accuracy, everything), answers, Configurations.of(study))
    captions = [
        accuracy_chart.figures(nothing, context)[0].caption,
        *(figure.caption for figure in comparisons_chart.figures(nothing, context)),
    ]
    assert all("every network diverged" in caption.lower() for caption in captions)
    assert not any("best," in caption or "Highest" in caption for caption in captions)


def test_a_remedy_whose_networks_all_diverged_has_no_accuracy_to_gain(study):
    replicas = replicas_of(study, [[None] * 3, [2, 2, 2]])
    accuracy = accuracy_of(replicas)
    same_size = Configurations.plain({name: {"run": name} for name in Configurations.of(study).identifiers})
    answers = {name: dict.fromkeys(study.seeds, np.arange(20) < 9) for name in same_size.identifiers}
    diagnosis = accuracy.select("configuration", "seed").unique(maintain_order=True).with_columns(
        state=pl.lit("trained"), layer=1, problem=pl.lit("dead_nodes"), found=False, evidence=0.25,
    )  # fmt: skip
    found = compare_remedies(results_of(accuracy, replicas), diagnosis, answers, same_size)
    found = found.filter(quantity="test_accuracy")
    assert found["value"].to_list() == [0.6, None]
    assert found["change"].to_list() == [0.0, None] and found["helps"].null_count() == 2


@pytest.mark.parametrize(
    ("optimiser", "rate", "said"),
    [
        ("sgd", 1e8, "all 3 nets diverged"),
        ("adam", 1e8, "the training loss of 3 of 3 nets is larger after training than before it"),
        ("sgd", 0.01, None),
    ],
)
def test_the_log_of_a_training_says_in_words_that_its_nets_diverged(study, tmp_path, caplog, optimiser, rate, said):
    keys = configurations_of(study)[0].keys() | {"activation": "relu"}
    training = study.training.model_copy(
        update={"learning_rates": [rate], "refinement_rounds": 0, "optimiser": optimiser}
    )
    dataset = small_dataset()
    with caplog.at_level("INFO", "nodescope"):
        train_configuration(
            "net", network_shape(keys, dataset, study.network, None), study.seeds, training, dataset, device="cpu",
            progress_folder=tmp_path, title="wild/relu-1x5",
        )  # fmt: skip
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert (said is None) == (not warnings)
    if said:
        assert said in warnings[0] and "learning rate 1e+08" in warnings[0] and DIVERGENCE_HINT in warnings[0]
