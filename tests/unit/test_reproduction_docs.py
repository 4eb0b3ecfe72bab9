"""docs/reproduction.md is written from a finished run: scorecard, small images, provenance, and the notes kept by hand."""

import re

import polars as pl
import pytest
from PIL import Image

from nodescope.messages.errors import ConfigError
from nodescope.report.markdown import markdown_table
from nodescope.report.reproduction import LARGEST_WIDTH, main
from nodescope.storage.files import write_text
from nodescope.storage.json_files import write_json
from nodescope.storage.tables import write_table
from nodescope.study.layout import description_path

pytestmark = pytest.mark.slow

COMMAND = "snakemake --cores 2 --configfile mine.yaml"


@pytest.fixture(scope="module")
def documents(tmp_path_factory, small_study, small_tables):
    """The folder of the page that is written from a run of the small study."""
    tmp_path = tmp_path_factory.mktemp("documents")
    folder = tmp_path / "results" / "small"
    study = small_study.model_copy(update={"dataset": small_study.dataset.model_copy(update={"name": "mnist"})})
    for name, frame in small_tables.items():
        write_table(frame, folder / "tables" / f"{name}.parquet")
    write_json(folder / "config.json", study.model_dump(mode="json"))
    write_text(folder / "benchmarks" / "train" / "relu-1x6.tsv", "s\tmax_rss\n3600.0\t100.0\n")
    write_json(description_path(study.dataset, tmp_path / "results"), {"classes": ["a", "b", "c"]})
    docs = tmp_path / "docs"
    write_text(docs / "notes.md", "## Findings\n\nThe author's own words.\n")
    write_text(docs / "page" / "left-over.png", "of an earlier run")
    main(
        [
            "--results", str(tmp_path / "results"), "--study", "small", "--command", COMMAND, "--machine", "an abacus",
            "--output", str(docs / "page.md"), "--findings", str(docs / "notes.md"),
        ]
    )  # fmt: skip
    return docs


def test_the_page_says_how_on_what_and_from_which_sources_the_run_came(documents):
    text = (documents / "page.md").read_text()
    assert COMMAND in text
    assert "**4 epochs**, 8 configurations, 2 seeds" in text
    assert "on an abacus; 1.0 hours of jobs" in text
    assert "commit unknown" in text  # the results lie outside any repository
    assert "learning_rates:\n    - 0.01" in text
    assert "| train | 1 | 3600 | 100 |" in text


def test_the_page_holds_the_scorecard_and_the_claims(documents):
    text = (documents / "page.md").read_text()
    assert "0 of the 87 published numbers" in text
    assert "| epochs | 300 | 4 |" in text
    assert text.count("ReLU nets are sparser than sigmoid nets.") == 2  # its verdict, its rule
    assert re.search(r"\| blobs \| mlp \| 1 \| 6 \| sigmoid \| yes \| 0\.0\d+ \| \d, \d \|", text)


def test_a_study_that_names_no_work_is_not_scored(tmp_path, small_study):
    folder = tmp_path / "results" / "small"
    study = small_study.model_copy(update={"works": []})
    write_table(pl.DataFrame({"seed": [0]}), folder / "tables" / "replicas.parquet")
    write_json(folder / "config.json", study.model_dump(mode="json"))
    write_json(description_path(study.dataset, tmp_path / "results"), {"classes": ["a"]})
    with pytest.raises(ConfigError, match=r"names no work .* Hint: name one .* works: \[pretorius\]"):
        main(["--results", str(tmp_path / "results"), "--study", "small", "--command", COMMAND])


def test_images_are_small_and_those_of_earlier_runs_are_gone(documents):
    text = (documents / "page.md").read_text()
    shown = set(re.findall(r"!\[[^]]*\]\(([^)]*)\)", text))
    assert {"page/test-accuracy.png", "page/medians-sigmoid-1x6.png"} <= shown
    assert {f"page/{path.name}" for path in (documents / "page").iterdir()} == shown
    for path in (documents / "page").iterdir():
        with Image.open(path) as picture:
            assert picture.width <= LARGEST_WIDTH and picture.mode == "P"


def test_the_notes_kept_by_hand_end_the_page(documents):
    assert (documents / "page.md").read_text().endswith("## Findings\n\nThe author's own words.\n")


def test_a_table_in_markdown_escapes_what_would_break_it():
    frame = pl.DataFrame({"a_name": ["x|y", None, "<b> *z*"], "value": [0.125, None, 3.0], "yes": [True, False, None]})
    assert markdown_table(frame).splitlines() == [
        "| a name | value | yes |",
        "| --- | ---: | --- |",
        "| x\\|y | 0.125 | yes |",
        "|  |  | no |",
        "| &lt;b> \\*z\\* | 3 |  |",
    ]
