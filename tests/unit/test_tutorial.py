"""docs/tutorial.ipynb: its cells are executed in order, and no outputs are kept in it."""

import json

import altair as alt
import polars as pl
import pytest
from conftest import REPOSITORY

NOTEBOOK = json.loads((REPOSITORY / "docs" / "tutorial.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


@pytest.mark.slow
def test_the_cells_of_the_tutorial_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    shown = []
    for number, source in enumerate(CODE, start=1):
        *statements, last = source.splitlines()
        exec(compile("\n".join(statements) if number > 1 else source, f"cell {number}", "exec"), names)
        if number > 1:  # what a notebook shows
            shown.append(eval(compile(last, f"cell {number}", "eval"), names))
    networks, dead, figure, medians = shown
    assert len(networks) == 4 and set(networks["activation"]) == {"relu", "tanh"}
    assert isinstance(dead, pl.DataFrame) and len(dead) == 4  # seeds and layers
    assert isinstance(figure, alt.TopLevelMixin) and figure.to_dict()["datasets"]
    assert medians.shape == (16, 11)
    assert (tmp_path / "reports" / "index.html").is_file()


def test_no_outputs_are_kept_in_the_tutorial():
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
