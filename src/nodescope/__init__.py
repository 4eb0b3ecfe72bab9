"""nodescope: what does each hidden node of a neural network do?

Functions for Python, imported when they are first used:

- `run`: run the studies of a config in this process, without Snakemake
- `snakefile`: the path of the workflow's Snakefile, for a module of one's own workflow

The sub-packages follow the way of the data; each imports only from those before it: ``config`` and ``study`` (what to run),
``datasets``, ``families``, ``networks`` and ``training``, ``recording`` (activations to Parquet), ``analyses`` and
``measuring`` (tables), ``findings`` and ``works``, ``charts``, ``report``, ``stages`` (one function per job), ``workflow``.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public functions, and the modules that have them.
_PUBLIC = {"run": "nodescope.workflow", "snakefile": "nodescope.project"}

__all__ = ["run", "snakefile"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'nodescope' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
