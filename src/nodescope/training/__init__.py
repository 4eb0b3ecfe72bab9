"""Training: all replicas of a configuration together, learning-rate search, early stopping, resumption."""

from typing import Any

__all__ = ["train_configuration"]


def __getattr__(name: str) -> Any:
    """Imported when asked for: who reads what the tables hold does without PyTorch."""
    if name == "train_configuration":
        from nodescope.training.configuration import train_configuration

        return train_configuration
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
