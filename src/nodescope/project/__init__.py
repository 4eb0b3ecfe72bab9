"""A project of one's own that takes the workflow as a Snakemake module, and where the workflow's files lie.

In a clone of the repository they lie beside ``src``; a wheel carries them in this package (``setup.py`` puts them there).
"""

import shutil
from pathlib import Path

from nodescope.messages.errors import NodescopeError

_HERE = Path(__file__).resolve().parent

#: Files of a new project, and those of the template or of the workflow that they are copies of.
FILES = {
    "Snakefile": "template/Snakefile",
    "config.yaml": "template/config.yaml",
    "config.schema.json": "workflow/schemas/config.schema.json",
    "profiles/slurm/config.yaml": "workflow/profiles/slurm/config.yaml",
}


class ProjectError(NodescopeError):
    """A project cannot be made here."""


def snakefile() -> Path:
    """The workflow's Snakefile, for a module of one's own workflow.

    Raises
    ------
    ProjectError
        If the workflow was not installed with the package.
    """
    return _file("workflow/Snakefile")


def create(folder: str | Path) -> list[Path]:
    """Write a project: a Snakefile with the workflow as a module, a commented config and its schema, a profile for SLURM.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ProjectError
        If one of them is there already; nothing is written then.
    """
    folder = Path(folder)
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise ProjectError(
            f"A project already exists in {folder}: {', '.join(there)}. Nothing was written. Hint: choose another "
            "folder, or move these files."
        )
    sources = {name: _file(source) for name, source in FILES.items()}
    for name, source in sources.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / name)
    return [folder / name for name in FILES]


def _file(name: str) -> Path:
    for root in (_HERE, _HERE.parents[2]):
        if (root / name).is_file():
            return root / name
    raise ProjectError(
        f"The file {name} of the workflow is missing beside the package in {_HERE}. "
        "Hint: install nodescope from its wheel, or with `pip install -e .` from a clone of the repository."
    )
