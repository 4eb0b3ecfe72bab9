"""Optimisers on stacked parameters, one group of replicas per learning rate.

PyTorch's fused kernels by their functional form: making an optimiser object takes a second of imports.
Dimension letter: R replica.
"""

import math
from dataclasses import dataclass
from itertools import groupby

import torch
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from nodescope.config.training import Training
from nodescope.training.state import Replica

Tensor = torch.Tensor

ADAM_BETAS = (0.9, 0.999)
#: Of slow parameters by that of the others.
SLOW_RATE = 0.1


def moments_of(training: Training) -> tuple[str, ...]:
    """What the optimiser remembers of each parameter, by PyTorch's names.

    Adam (Kingma & Ba 2015): the running means of the gradient and of its square. Descent: the running sum of the
    gradients. RMSProp (Tieleman & Hinton 2012, lecture 6.5): the running mean of the gradient's square; with momentum,
    the running sum of the gradients over its root.
    """
    match training.optimiser:
        case "adam":
            return ("exp_avg", "exp_avg_sq")
        case "rmsprop":
            return ("square_avg", "momentum_buffer") if training.momentum_of_optimiser() else ("square_avg",)
        case "sgd":
            return ("momentum_buffer",)


def at_rest(training: Training, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    """The optimiser's state before the first step: ``steps`` and, for each parameter, ``MOMENT.NAME`` [R, ...]."""
    zeros = {
        f"{moment}.{name}": torch.zeros_like(t) for moment in moments_of(training) for name, t in parameters.items()
    }
    return {"steps": torch.zeros((), dtype=torch.float32), **zeros}


class Optimiser:
    """Steps of every replica by its own gradient and learning rate.

    Parameters
    ----------
    parameters
        By name, [R, ...]; changed in place.
    replicas
        In an order in which equal learning rates stand together.
    state
        From `at_rest`, or of an interrupted run, of these replicas; the moments are changed in place.
    slow
        Names of the parameters that take a tenth of every step.
    """

    def __init__(
        self,
        training: Training,
        parameters: dict[str, Tensor],
        replicas: list[Replica],
        state: dict[str, Tensor],
        slow: frozenset[str] = frozenset(),
    ) -> None:
        self._training = training
        self._momentum = training.momentum_of_optimiser()
        self._slow = [place for place, name in enumerate(parameters) if name in slow]
        self._is_weight = [name.endswith("weight") and t[0].squeeze().ndim > 1 for name, t in parameters.items()]
        self._step_of = {"adam": self._step_of_adam, "rmsprop": self._step_of_rmsprop, "sgd": self._step_of_descent}
        self._groups: list[_RateGroup] = []
        first = 0
        for rate, of_rate in groupby(replicas, key=lambda r: r.learning_rate):
            last = first + len(list(of_rate))
            members = slice(first, last)
            first = last
            tensors = [parameter.detach()[members] for parameter in parameters.values()]
            self._groups.append(
                _RateGroup(
                    members,
                    rate,
                    # A captured step reads the rate when it runs, not when it was captured.
                    torch.tensor(rate, device=tensors[0].device) if tensors[0].is_cuda else rate,
                    tensors,
                    [[state[f"{moment}.{name}"][members] for name in parameters] for moment in moments_of(training)],
                    [state["steps"].to(tensors[0].device, copy=True) for _ in parameters],
                )
            )

    def steps(self) -> Tensor:
        """Steps taken so far."""
        return self._groups[0].steps[0]

    def scale_rates(self, factor: float) -> None:
        """Set every learning rate to its nominal value times a factor."""
        for group in self._groups:
            if isinstance(group.rate, Tensor):
                group.rate.fill_(group.nominal_rate * factor)
            else:
                group.rate = group.nominal_rate * factor

    @torch.no_grad()
    def step(self, gradients: tuple[Tensor, ...]) -> None:
        """One step along the gradients [R, ...], in the order of the parameters."""
        for group in self._groups:
            found = [gradient[group.members] for gradient in gradients]
            if self._training.l1:
                found = [
                    gradient + self._training.l1 * parameter.sign() if is_weight else gradient
                    for gradient, parameter, is_weight in zip(found, group.parameters, self._is_weight, strict=True)
                ]
            if self._training.gradient_clip is not None:
                found = _clipped(found, self._training.gradient_clip)
            slow = [group.parameters[place] for place in self._slow]
            before = [parameter.clone() for parameter in slow]
            self._step_of[self._training.optimiser](group, found)
            for parameter, start in zip(slow, before, strict=True):
                parameter.lerp_(start, 1 - SLOW_RATE)

    def _step_of_adam(self, group: "_RateGroup", gradients: list[Tensor]) -> None:
        exp_avg, exp_avg_sq = group.moments
        adam(
            group.parameters,
            gradients,
            exp_avg,
            exp_avg_sq,
            [],
            group.steps,
            fused=True,
            capturable=isinstance(group.rate, Tensor),
            amsgrad=False,
            beta1=ADAM_BETAS[0],
            beta2=ADAM_BETAS[1],
            lr=group.rate,
            weight_decay=self._training.weight_decay,
            eps=self._training.optimiser_epsilon,
            maximize=False,
        )

    def _step_of_rmsprop(self, group: "_RateGroup", gradients: list[Tensor]) -> None:
        square_avg, *momentum_buffers = group.moments
        if not momentum_buffers:
            self._step_of_plain_rmsprop(group, gradients, square_avg)
            return
        rmsprop(
            group.parameters,
            gradients,
            square_avg,
            [],
            momentum_buffers[0],
            group.steps,
            foreach=True,
            capturable=isinstance(group.rate, Tensor),
            lr=group.rate,
            alpha=self._training.rmsprop_alpha,
            eps=self._training.optimiser_epsilon,
            weight_decay=self._training.weight_decay,
            momentum=self._momentum,
            centered=False,
        )

    def _step_of_plain_rmsprop(self, group: "_RateGroup", gradients: list[Tensor], square_avg: list[Tensor]) -> None:
        """RMSProp without momentum: Adam whose mean of gradients is the last one, and that corrects no bias.

        PyTorch has no fused kernel of RMSProp; five passes over all parameters would cost more than Adam's one. After
        infinitely many steps Adam's corrections of the bias are 1.
        """
        adam(
            group.parameters,
            gradients,
            gradients,
            square_avg,
            [],
            [torch.full_like(steps, math.inf) for steps in group.steps],
            fused=True,
            capturable=isinstance(group.rate, Tensor),
            amsgrad=False,
            beta1=0.0,
            beta2=self._training.rmsprop_alpha,
            lr=group.rate,
            weight_decay=self._training.weight_decay,
            eps=self._training.optimiser_epsilon,
            maximize=False,
        )
        group.steps[0] += 1

    def _step_of_descent(self, group: "_RateGroup", gradients: list[Tensor]) -> None:
        (momentum_buffers,) = group.moments
        sgd(
            group.parameters,
            gradients,
            list(momentum_buffers),
            fused=True,
            weight_decay=self._training.weight_decay,
            momentum=self._momentum,
            lr=group.rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        group.steps[0] += 1


def _clipped(gradients: list[Tensor], largest: float) -> list[Tensor]:
    """Each replica's gradient scaled down to a norm, as PyTorch's ``clip_grad_norm_`` does it for one net."""
    norm_R = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    factor_R = (largest / (norm_R + 1e-6)).clamp(max=1.0)
    return [gradient * factor_R.view(-1, *[1] * (gradient.ndim - 1)) for gradient in gradients]


@dataclass
class _RateGroup:
    """The replicas of one learning rate, as the kernels want them: parallel lists over the parameters."""

    members: slice
    nominal_rate: float
    rate: float | Tensor
    parameters: list[Tensor]
    moments: list[list[Tensor]]
    steps: list[Tensor]
