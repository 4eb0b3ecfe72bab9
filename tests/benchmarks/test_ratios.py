"""A speed-up that was measured and recorded is still there: both sides run here, and their ratio counts, not the time."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_no_ratio_fell_below_half_of_the_recorded_one():
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--size", "quick", "--check"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.parametrize(("recorded", "expected"), [(3.9, 0), (4.1, 1)])
def test_the_check_fails_below_half(monkeypatch, capsys, recorded, expected):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    measure, run = importlib.import_module("measure"), importlib.import_module("run")
    one, two = measure.Measured(1.0, 1.0, None), measure.Measured(2.0, 1.0, None)
    row = measure.Row("patterns", "what", "rival", ">= 20x", ours=one, theirs=two, reached=False)
    assert run.check([row], {"patterns": recorded}) == expected
    assert ("patterns" in capsys.readouterr().err) == bool(expected)
