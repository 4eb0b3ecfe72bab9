"""The rules of the workflow name the paths of `nodescope.study.layout`."""

import re
from pathlib import Path

import pytest
from conftest import REPOSITORY

from nodescope.study.layout import (
    StudyFiles,
    activation_path,
    figure_files_path,
    findings_path,
    log_path,
    model_path,
    page_path,
    record_path,
)

FILES = StudyFiles.of("{study}")
CONFIGURATION = "{configuration}"

PATHS = {
    "settings": FILES.settings,
    "configurations": FILES.configurations,
    "networks": FILES.networks(),
    "resources": FILES.resources(),
    "resources as CSV": FILES.resources("csv"),
    "collected table": FILES.table("accuracy"),
    "table of a configuration": FILES.table_of("accuracy", CONFIGURATION),
    "models": FILES.models(CONFIGURATION),
    "a model": model_path(FILES.models(CONFIGURATION), "{s}", "{state}"),
    "recordings": FILES.activations(CONFIGURATION),
    "a recording": activation_path(FILES.activations(CONFIGURATION), "{s}", "{state}", "{split}", "{l}"),
    "predictions": FILES.predictions(CONFIGURATION),
    "findings": FILES.findings,
    "list of figures": FILES.figure_index,
    "page data": FILES.page_data,
    "log of a configuration": log_path(".", "{study}", "train", CONFIGURATION),
    "log of a study": log_path(".", "{study}", "collect"),
    "page": page_path(),
    "findings of all studies": findings_path(),
    "figure files": figure_files_path() / "{study}",
}


@pytest.fixture(scope="module")
def rules():
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "workflow/rules").glob("*.smk")))


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_the_rules_name_each_path_as_the_layout_does(rules, path):
    assert re.search(rf"(?<![\w/.]){re.escape(path.as_posix())}(?![\w.{{])", rules)


def test_the_record_of_a_job_lies_where_its_readers_look():
    log = log_path(".", "mine", "train", "relu-1x6")
    assert record_path(log) == StudyFiles.of("mine").benchmark("train", "relu-1x6")
    assert record_path("logs/mine/record/net/seed-0-trained.log") == StudyFiles.of("mine").benchmark(
        "record", "net/seed-0-trained"
    )
    assert record_path("logs/datasets/iris-1.log") == Path("results/datasets/iris-1.benchmark.tsv")
    assert record_path("logs/report.log") == Path("results/report.benchmark.tsv")
    assert record_path("logs/plan.log") is None and record_path("elsewhere/job.log") is None
