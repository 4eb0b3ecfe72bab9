"""Networks that are looked at as they are initialised."""

import torch
from conftest import small_dataset
from torch import nn

from nodescope.config.schema import Network, Training
from nodescope.models import build_network, hidden_layers
from nodescope.training import train_configuration

KEYS = {"dataset": "blobs", "model": "mlp", "depth": 3, "width": 8, "activation": "tanh", "batch_norm": True}


def initial_network(folder, **training):
    trained = train_configuration(
        KEYS, [0], Training(batch_size=16, learning_rates=[0.01], refinement_rounds=0, **training), small_dataset(),
        network=Network(), initialisation=None, device="cpu", progress_folder=folder, title="test",
    )  # fmt: skip
    network = build_network(trained.shape)
    network.load_state_dict(trained.networks()["initial"][0])
    return network.eval()


def pre_activations(network, x):
    seen = []
    handles = [
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
        for module in hidden_layers(network).values()
    ]
    network(x)
    for handle in handles:
        handle.remove()
    return seen


def test_batch_normalisation_of_a_network_that_is_never_trained_normalises_the_training_samples(tmp_path):
    dataset = small_dataset()
    x = torch.from_numpy(dataset.inputs(dataset.splits.train))
    for z in pre_activations(initial_network(tmp_path, epochs=0), x):
        # Not exactly: running variances are those with n - 1, and so is what reaches the next layer.
        torch.testing.assert_close(z.mean(dim=0), torch.zeros(8), atol=0.01, rtol=0)
        torch.testing.assert_close(z.std(dim=0), torch.ones(8), atol=0.01, rtol=0)


def test_a_network_that_is_trained_begins_as_pytorch_initialises_it(tmp_path):
    network = initial_network(tmp_path, epochs=1)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d)]
    assert len(norms) == 3
    for norm in norms:
        assert torch.equal(norm.running_mean, torch.zeros(8)) and torch.equal(norm.running_var, torch.ones(8))
