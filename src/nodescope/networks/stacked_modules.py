"""R networks of one shape of any kind, as tensors with a leading replica dimension.

Dimension letters: R replica, B batch, I input feature, C class.
"""

import logging

import numpy as np
import torch
from torch.func import functional_call

from nodescope.families.shape import NetworkShape
from nodescope.networks.building import build_network
from nodescope.networks.dropout import Dropout
from nodescope.networks.initialisation import draw_batch_norm_scales, initialise
from nodescope.networks.weights import load_weights

logger = logging.getLogger(__name__)

Tensor = torch.Tensor


class StackedModules:
    """Networks that are computed one after another by the module that a user would write.

    The counterpart of `StackedFullyConnected` for every other network: the same attributes and methods.

    Attributes
    ----------
    parameters, buffers : dict of Tensor
        Trainable and other tensors by the names of the module's state dict, with a leading replica dimension.
    """

    fuses = False

    def __init__(self, shape: NetworkShape, tensors: dict[str, Tensor]) -> None:
        self.shape = shape
        self._module = build_network(shape)
        trainable = dict(self._module.named_parameters())
        self.parameters = {name: t for name, t in tensors.items() if name in trainable}
        self.buffers = {name: t for name, t in tensors.items() if name not in trainable}
        slow_parameters = getattr(self._module, "slow_parameters", None)
        self.slow_parameters: frozenset[str] = frozenset(slow_parameters() if slow_parameters else ())
        self._dropouts = [m for m in self._module.modules() if isinstance(m, Dropout)]
        self._generators: list[torch.Generator] = []

    @classmethod
    def initialise(
        cls, shape: NetworkShape, seeds: list[int], *, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> "StackedModules":
        """One replica per seed; a replica depends on its own seed only, or on the file of its weights.

        Raises
        ------
        WeightsError
            If that file does not hold the weights of such a network.
        """
        states: list[dict[str, Tensor]] = []
        for seed in seeds:
            network = build_network(shape).to(dtype)
            if shape.weights is None:
                initialise(network, shape.initialisation, np.random.default_rng([seed, 0]))
                if shape.batch_norm_scale == "uniform":
                    draw_batch_norm_scales(network, seed)
            elif states:
                network.load_state_dict(states[0])
            else:
                for decision in load_weights(network, shape.weights, model=shape.model):
                    logger.info("%s", decision)
            states.append(network.state_dict())
        stacked = {name: torch.stack([state[name] for state in states]) for name in states[0]}
        return cls(
            shape, {name: t.to(device, dtype if t.is_floating_point() else t.dtype) for name, t in stacked.items()}
        )

    @property
    def n_replicas(self) -> int:
        return len(next(iter(self.parameters.values())))

    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers."""
        return {**self.parameters, **self.buffers}

    def network_views(self, replica: int) -> dict[str, Tensor]:
        """One replica's tensors as the module has them, on the stack's memory."""
        return {name: tensor[replica] for name, tensor in self.tensors().items()}

    def network_tensors(self, replica: int) -> dict[str, Tensor]:
        """One replica's tensors, as the module's state dict has them."""
        return {name: view.detach().cpu().clone() for name, view in self.network_views(replica).items()}

    def part(self, members: slice) -> "StackedModules":
        """Some of the replicas, on the same memory: what trains the part trains them here."""
        parameters = {name: tensor.detach()[members].requires_grad_() for name, tensor in self.parameters.items()}
        return StackedModules(
            self.shape, {**parameters, **{name: tensor[members] for name, tensor in self.buffers.items()}}
        )

    def begin_epoch(self, seeds: list[int], epoch: int) -> None:
        """Draw what chance decides in this epoch by the replicas' seeds alone."""
        device = next(iter(self.parameters.values())).device
        self._generators = [
            torch.Generator(device).manual_seed(int(np.random.default_rng([seed, 3, epoch]).integers(2**63)))
            for seed in seeds
        ]

    def forward_training(self, x_RBI: Tensor) -> Tensor:
        """Logits [R, B, C], each replica on its own batch; buffers are updated."""
        self._module.train()
        logits = []
        for replica in range(self.n_replicas):
            for dropout in self._dropouts:
                dropout.generator = self._generators[replica]
            logits.append(self._call(replica, x_RBI[replica]))
        return torch.stack(logits)

    @torch.no_grad()
    def forward_evaluation(self, replica: int, x_BI: Tensor) -> Tensor:
        """Logits [B, C] of one replica."""
        self._module.eval()
        return self._call(replica, x_BI)

    def _call(self, replica: int, x_BI: Tensor) -> Tensor:
        logits_BC: Tensor = functional_call(self._module, self.network_views(replica), (x_BI,))
        return logits_BC
