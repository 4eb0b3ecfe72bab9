"""What a job says when it fails, also when its log cannot be written."""

from pathlib import Path

import pytest

from nodescope.jobs.job import job
from nodescope.messages.errors import NodescopeError


def test_a_mistake_of_the_users_is_said_without_a_traceback(tmp_path, capsys):
    log = tmp_path / "logs" / "job.log"
    with pytest.raises(SystemExit), job(str(log), "Training a/b"):
        raise NodescopeError("There is no such file. Hint: look.")
    assert "Training a/b failed.\nThere is no such file. Hint: look." in capsys.readouterr().err
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_any_other_error_is_named_and_its_traceback_stands_in_the_log(tmp_path, capsys):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit), job(str(log), "Training a/b"):
        raise ValueError("seven")
    said = capsys.readouterr().err
    assert "Training a/b failed: ValueError: seven" in said and "Traceback" not in said
    assert "Traceback" in log.read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is Linux's /dev/full")
def test_a_full_disk_is_said_and_not_hidden_by_the_log_that_cannot_be_written(capfd):
    with pytest.raises(SystemExit), job("/dev/full", "Recording a/b"):
        raise OSError(28, "No space left on device")
    said = capfd.readouterr().err
    assert "Recording a/b failed: OSError: [Errno 28] No space left on device" in said
    assert "Traceback" not in said and "Logging error" not in said
