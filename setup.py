"""The wheel carries the workflow's files, which lie beside ``src`` in the repository; all else stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

REPOSITORY = Path(__file__).resolve().parent


class WithWorkflow(build_py):
    """Put ``workflow`` and ``presets`` into the package ``nodescope.project``."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # they are found where they lie
            return
        for folder in ("workflow", "presets"):
            target = Path(self.build_lib) / "nodescope" / "project" / folder
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(REPOSITORY / folder, target, ignore=shutil.ignore_patterns("__pycache__"))


setup(cmdclass={"build_py": WithWorkflow})
