"""Callbacks that follow a training by Lightning, Hugging Face's Trainer or Keras: `nodescope.following.follower.follow` inside.

Each framework is imported when its callback is made, so that none is needed. Options are those of
`nodescope.follow`; ``callback.follow`` is its `Follower` once the training has begun, with all that was seen.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from torch import nn

from nodescope.following.follower import Follower, follow
from nodescope.messages.errors import NetworkError

#: Gets what was seen, by ``quantity/layer``, and the number of steps.
Log = Callable[[dict[str, float], int], Any]

#: Functions at the end of a Keras model's layers that are none of hidden layers.
_NO_HIDDEN = {"linear", "softmax", "log_softmax"}


def Lightning(probe: Any, *, network: str = "", log: Log | None = None, **options: Any) -> Any:
    """A callback for Lightning's trainer; what is seen goes to the trainer's loggers.

    Parameters
    ----------
    probe
        As of `nodescope.follow`.
    network
        Path of the network within the LightningModule (``"net"``), whose own ``forward`` is run by default.
    log
        Gets what is seen, and the step, instead of the loggers.
    **options
        Of `nodescope.follow`.

    Examples
    --------
    >>> Trainer(callbacks=[nodescope.Lightning(probe, every=50)])  # doctest: +SKIP
    """
    # The same package that the user's Trainer is from.
    package = "pytorch_lightning" if "pytorch_lightning" in sys.modules else "lightning.pytorch"

    class NodescopeCallback(_imported(package, "lightning").Callback):  # type: ignore[misc]
        follow: Follower | None = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            model = pl_module.get_submodule(network)
            self.follow = follow(model, probe, first_step=trainer.global_step, **options)
            self._report(trainer, self.follow.seen)

        def on_train_batch_end(self, trainer: Any, *_: Any, **__: Any) -> None:
            assert self.follow is not None  # the training has begun
            self._report(trainer, self.follow.step(trainer.global_step))

        def on_train_end(self, trainer: Any, *_: Any) -> None:
            assert self.follow is not None  # the training has begun
            self._report(trainer, self.follow.close())

        def on_exception(self, *_: Any) -> None:
            if self.follow is not None:
                self.follow.abandon()

        def _report(self, trainer: Any, seen: dict[str, float]) -> None:
            if seen and log is not None:
                log(seen, trainer.global_step)
            elif seen:
                for logger in trainer.loggers:
                    logger.log_metrics(seen, step=trainer.global_step)

    return NodescopeCallback()


def HuggingFace(probe: Any, *, log: Log | None = None, **options: Any) -> Any:
    """A callback for Hugging Face's ``Trainer``; what is seen goes to ``trainer.state.log_history``.

    Parameters
    ----------
    probe
        As of `nodescope.follow`: for most models a dict of keywords, or a loader of such dicts.
    log
        Gets what is seen, and the step, as well.
    **options
        Of `nodescope.follow`.

    Examples
    --------
    >>> Trainer(model, args, callbacks=[nodescope.HuggingFace(tokens, every=50)])  # doctest: +SKIP
    """

    class NodescopeCallback(_imported("transformers", "transformers").TrainerCallback):  # type: ignore[misc]
        follow: Follower | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
            self.follow = follow(model, probe, first_step=state.global_step, **options)
            self._report(state, self.follow.seen)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            assert self.follow is not None  # the training has begun
            self._report(state, self.follow.step(state.global_step))

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            assert self.follow is not None  # the training has begun
            self._report(state, self.follow.close())

        def _report(self, state: Any, seen: dict[str, float]) -> None:
            if not seen:
                return
            state.log_history.append({**seen, "epoch": state.epoch, "step": state.global_step})
            if log is not None:
                log(seen, state.global_step)

    return NodescopeCallback()


def Keras(probe: Any, *, layers: Sequence[str] | None = None, log: Log | None = None, **options: Any) -> Any:
    """A callback for Keras 3 with the backend torch; the outputs of layers are looked at.

    Parameters
    ----------
    probe
        As of `nodescope.follow`.
    layers
        Names of layers; by default those with an activation function, but for linear ones and softmax.
    log
        Gets what is seen, and the step.
    **options
        Of `nodescope.follow`.

    Examples
    --------
    >>> model.fit(x, y, callbacks=[nodescope.Keras(x_test[:1000], log=wandb.log)])  # doctest: +SKIP
    """
    keras = _imported("keras", "keras")
    if keras.backend.backend() != "torch":
        raise NetworkError(
            f"Keras computes with {keras.backend.backend()}; nodescope.Keras needs torch. Hint: KERAS_BACKEND=torch in the "
            "environment, before Keras is imported"
        )

    class NodescopeCallback(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        follow: Follower | None = None

        def on_train_begin(self, logs: Any = None) -> None:
            network = _KerasNetwork(keras, self.model, layers)
            first_step = int(self.model.optimizer.iterations)
            self.follow = follow(network, probe, layers=network.names, first_step=first_step, **{"axis": -1, **options})
            self._report(self.follow.seen)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert self.follow is not None  # the training has begun
            self._report(self.follow.step(self.follow.steps + self.model.steps_per_execution))

        def on_train_end(self, logs: Any = None) -> None:
            assert self.follow is not None  # the training has begun
            self._report(self.follow.close())

        def _report(self, seen: dict[str, float]) -> None:
            if seen and log is not None:
                assert self.follow is not None  # it saw this
                log(seen, self.follow.steps)

    return NodescopeCallback()


class _KerasNetwork(nn.Module):
    """A Keras model whose layers' outputs pass through modules of torch, as layers of Keras call no hooks of torch."""

    def __init__(self, keras: Any, model: Any, layers: Sequence[str] | None) -> None:
        super().__init__()
        known = {layer.name: layer for layer in model.layers}
        chosen = list(layers) if layers is not None else _hidden_layers(model)
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            wrong = f"no layer {unknown[0]}" if unknown else "no layer with an activation function"
            raise NetworkError(f"The model has {wrong}. Hint: layers=[...] of {', '.join(known)}")
        try:
            self.model = keras.Model(model.inputs, [known[name].output for name in chosen])
        except (AttributeError, ValueError) as error:
            raise NetworkError(
                "The layers of a subclassed Keras model cannot be reached. Hint: a functional or sequential model"
            ) from error
        # The model's layers follow one another as torch modules too: a path has no dots within a name.
        self.names = [name.replace(".", "-") for name in chosen]
        for name in self.names:
            self.add_module(name, nn.Identity())

    def forward(self, *inputs: Any) -> None:
        outputs = self.model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
        for name, output in zip(self.names, outputs if isinstance(outputs, list) else [outputs], strict=True):
            self.get_submodule(name)(output)


def _hidden_layers(model: Any) -> list[str]:
    """Names of layers with an activation function; with sigmoids only where there is nothing else."""
    functions = {}
    for layer in model.layers:
        function = getattr(layer, "activation", None)
        kind = type(layer).__name__
        if callable(function):
            functions[layer.name] = getattr(function, "__name__", kind)
        elif type(layer).__module__.startswith("keras.src.layers.activations"):
            functions[layer.name] = kind.lower()
    hidden = [name for name, function in functions.items() if function not in _NO_HIDDEN]
    return [name for name in hidden if functions[name] != "sigmoid"] or hidden


def _imported(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise NetworkError(
            f"This callback needs the package {package}, which is not installed. Hint: pip install {package}"
        ) from error
