"""nodescope: what does each hidden node of a neural network do?

Functions for Python, imported when they are first used:

- `open`: the tables and figures of a study, as polars frames and altair charts
- `measure`: one analysis of recordings, as a polars frame, without a workflow
- `record`: run a network over a loader, and record what every node does
- `recorder`: the same around a loop of one's own
- `follow`: look at a network every n-th step of one's own training loop; `Lightning`, `HuggingFace`, `Keras`: callbacks that do
- `run`: run the studies of a config in this process, without Snakemake
- `save_layer`: one layer of a network of any framework, for a study's section ``recordings``
- `snakefile`: the path of the workflow's Snakefile, for a module of one's own workflow

Each sub-package imports only from those before it (tests/unit/test_structure.py): ``messages``, ``numerics`` and ``storage``;
``families``, ``analyses`` and ``works.registry`` (what is declared); ``config`` and ``study`` (what to run); ``jobs``,
``datasets``, ``networks``, ``estimates``; ``recording`` (activations to Parquet), ``measuring`` (tables), ``training``;
``following`` (training loops of users); ``findings``, ``works``, ``charts``, ``report``; ``notebook`` (results for Python);
``stages`` (one function per job), ``project``, ``workflow``.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public functions, and the modules that have them.
_PUBLIC = {
    "HuggingFace": "nodescope.following.callbacks",
    "Keras": "nodescope.following.callbacks",
    "Lightning": "nodescope.following.callbacks",
    "follow": "nodescope.following.follower",
    "measure": "nodescope.notebook.measuring",
    "open": "nodescope.notebook.results",
    "record": "nodescope.recording.doors",
    "recorder": "nodescope.recording.doors",
    "run": "nodescope.workflow",
    "save_layer": "nodescope.recording.saving",
    "snakefile": "nodescope.project",
}

__all__ = [
    "HuggingFace",
    "Keras",
    "Lightning",
    "follow",
    "measure",
    "open",
    "record",
    "recorder",
    "run",
    "save_layer",
    "snakefile",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'nodescope' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
