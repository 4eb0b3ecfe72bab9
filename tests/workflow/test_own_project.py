"""nodescope from its wheel, with no repository in sight: a project of one's own takes the workflow as a module."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from project import without_analyses

CONFIG = {
    "download": False,
    "custom_rules": ["rules/mine.smk"],
    "studies": [
        {
            "name": "flowers",
            "dataset": "iris",
            "grid": {"depth": 1, "width": 4, "activation": ["relu", "tanh"]},
            "seeds": [0],
            "training": {"epochs": 2, "batch_size": 16, "learning_rates": 0.01, "refinement_rounds": 0},
            "analyses": without_analyses(but=("medians",)),
        }
    ],
}

OWN_RULE = '''
rule name_the_best:
    """The best configuration of each study, in a file of one's own."""
    input:
        expand("results/{study}/tables/comparisons.csv", study=flow.studies),
    output:
        "results/best.txt",
    params:
        device=config.get("device", "auto"),
    log:
        "logs/best.log",
    shell:
        "(echo {params.device}; grep -h true {input:q}) > {output:q} 2> {log:q}"
'''


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment with the wheel, and with the libraries of this one."""
    folder = tmp_path_factory.mktemp("installed")
    for name in ("src", "workflow", "presets"):
        shutil.copytree(REPOSITORY / name, folder / "repository" / name,
                        ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))  # fmt: skip
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / "repository")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*pip, "wheel", folder / "repository", "--no-deps", "--no-build-isolation", "-w", folder],
                   check=True, env=own)  # fmt: skip
    shutil.rmtree(folder / "repository")
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "environment")
    interpreter = folder / "environment" / "bin" / "python"
    subprocess.run([*pip, "--python", interpreter, "install", "--no-deps", "--no-index", wheel], check=True, env=own)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "environment")}))
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return interpreter


@pytest.fixture(scope="module")
def project(python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("of one's own") / "my project"
    run(python, "-m", "nodescope", "new", folder, cwd=folder.parent)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "rules").mkdir()
    (folder / "rules" / "mine.smk").write_text(OWN_RULE)
    return folder


def run(python, *arguments, cwd):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr


def test_the_package_and_the_workflow_come_from_the_wheel(python, project):
    said = run(python, "-c", "import nodescope; print(nodescope.__file__, nodescope.snakefile())", cwd=project)
    assert all(path.startswith(str(python.parents[1])) for path in said.split()) and len(said.split()) == 2


def test_the_wheel_holds_every_file_of_the_package(python):
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(python.parents[1])}))
    assert files_of(REPOSITORY / "src" / "nodescope") <= files_of(packages / "nodescope")


def files_of(folder):
    return {
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_project_runs_from_another_folder_and_takes_in_rules_of_its_own(python, project):
    """To the report, then the user's own rule; and nothing runs twice."""
    arguments = ("-m", "snakemake", "--cores", "2", "--snakefile", project / "Snakefile", "--directory", project)
    elsewhere = project.parent
    run(python, *arguments, "all", "name_the_best", cwd=elsewhere)
    assert "Which network is most accurate" in (project / "reports" / "index.html").read_text()
    device, *best = (project / "results" / "best.txt").read_text().splitlines()
    assert device == "auto" and len(best) == 1 and best[0].startswith("tanh-1x4,iris,")
    assert "Nothing to be done" in run(python, *arguments, "all", "name_the_best", "--dry-run", cwd=elsewhere)
    assert {path.name for path in elsewhere.iterdir()} == {project.name}
