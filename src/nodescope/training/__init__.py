"""Training: all replicas of a configuration together, learning-rate search, early stopping, resumption."""

from nodescope.training.configuration import train_configuration

__all__ = ["train_configuration"]
