"""A project of one's own: what is written, and that nothing is overwritten."""

import yaml
from conftest import REPOSITORY

from nodescope.__main__ import main
from nodescope.config.loading import parse_config
from nodescope.project import FILES


def test_a_new_project_has_a_valid_config_and_a_short_snakefile(tmp_path, capsys):
    folder = tmp_path / "my project"
    assert main(["new", str(folder)]) == 0
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(FILES)
    (study,) = parse_config(yaml.safe_load((folder / "config.yaml").read_text())).studies
    assert study.name == "first"
    code = [line for line in (folder / "Snakefile").read_text().splitlines() if line.strip() and line[0] != "#"]
    assert len(code) <= 10
    assert (folder / "config.schema.json").read_text() == (
        REPOSITORY / "workflow/schemas/config.schema.json"
    ).read_text()
    assert f"cd '{folder}'" in capsys.readouterr().out


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("mine")
    assert main(["new", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "config.yaml. Nothing was written" in said and "Hint: choose another folder" in said
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
    assert (tmp_path / "config.yaml").read_text() == "mine"
