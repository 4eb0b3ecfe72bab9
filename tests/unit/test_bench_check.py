"""The check of recorded speed-ups (`make bench-check`) finds one that is lost; nothing is timed here."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(("recorded", "expected"), [(3.9, 0), (4.1, 1)])
def test_the_check_fails_below_half(monkeypatch, capsys, recorded, expected):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    measure, run = importlib.import_module("measure"), importlib.import_module("run")
    one, two = measure.Measured(1.0, 1.0, None), measure.Measured(2.0, 1.0, None)
    row = measure.Row("patterns", "what", "rival", ">= 20x", ours=one, theirs=two, reached=False)
    assert run.check([row], {"patterns": recorded}) == expected
    assert ("patterns" in capsys.readouterr().err) == bool(expected)
