"""`nodescope.follow` sees what a slow count in float64 sees, and changes no bit of the training."""

import math
import random
from collections import Counter

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import nodescope
from nodescope.following.probe import Probe
from nodescope.following.tables import FOLLOWED, MEASURED
from nodescope.messages.errors import NetworkError
from nodescope.recording import read


class Net(nn.Module):
    """PyTorch's MNIST example, small, with batch normalisation and an activation function that works in place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(4 * 3 * 3, 70), nn.Linear(70, 3)

    def forward(self, x):
        x = functional.max_pool2d(self.act(self.norm(self.conv(x))), 2).flatten(1)
        return functional.log_softmax(self.fc2(self.dropout(functional.relu(self.fc1(x)))), dim=1)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.fc = nn.Linear(6, 5)
        self.act = nn.GELU()

    def forward(self, ids, mask):
        return {"logits": (self.act(self.fc(self.embedding(ids))) * mask[..., None]).sum(1)}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Net()


@pytest.fixture
def data():
    torch.manual_seed(1)
    return torch.randn(50, 1, 8, 8), torch.randint(3, (50,))


def train(net, data, steps=7, follow=None, every=3, **options):
    """A training that draws from all sources of random numbers; the losses, and all that it leaves behind."""
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002  # the user's
    random.seed(2)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    follower = nodescope.follow(net, follow, every=every, **options) if follow is not None else None
    losses = []
    net.train()
    net.norm.eval()  # frozen, as in fine-tuning
    x, y = data
    for _ in range(steps):
        part = torch.randperm(len(x))[:20]
        noise = np.random.standard_normal() + random.random()  # noqa: NPY002
        optimiser.zero_grad()
        loss = functional.nll_loss(net(x[part] + 0.01 * noise), y[part])
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if follower is not None:
            follower.step()
    if follower is not None:
        follower.close()
    after = (torch.rand(3), np.random.random(3), random.random())  # noqa: NPY002
    state = {**net.state_dict(), **{f"grad/{name}": p.grad for name, p in net.named_parameters()}}
    state |= {f"adam/{n}/{key}": t for n, own in optimiser.state_dict()["state"].items() for key, t in own.items()}
    modes = {name: module.training for name, module in net.named_modules()}
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in net.modules()]
    return losses, state, after, modes, hooks


def assert_same_training(found, expected):
    assert found[0] == expected[0]
    assert found[1].keys() == expected[1].keys()
    for name, tensor in expected[1].items():
        assert torch.equal(found[1][name], tensor), name
    for one, other in zip(found[2], expected[2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert found[3:] == expected[3:]


# --- what is seen ---


def slow(on_TJ, labels_T, before_TJ=None, initial_TJ=None, first=None):
    """Everything of a layer, pattern by pattern."""
    total, nodes = on_TJ.shape
    patterns = [tuple(row) for row in on_TJ.tolist()]
    counts = Counter(patterns)

    def entropy(numbers):
        numbers = list(numbers)
        return -sum(n / sum(numbers) * math.log2(n / sum(numbers)) for n in numbers)

    alive = on_TJ.any(axis=0)
    given = sum(
        (labels_T == c).mean()
        * entropy(Counter(p for p, own in zip(patterns, labels_T, strict=True) if own == c).values())
        for c in np.unique(labels_T)
    )
    found = {
        "nodes": nodes,
        "patterns": total,
        "share_on": on_TJ.mean(),
        "sparsity": 1 - on_TJ[:, alive].mean(),
        "dead_nodes": int((~alive).sum()),
        "always_on_nodes": int(on_TJ.all(axis=0).sum()),
        "distinct": len(counts),
        "singletons": sum(n == 1 for n in counts.values()),
        "entropy_bits": entropy(counts.values()),
        "relative_entropy": entropy(counts.values()) / min(nodes, math.log2(total)),
        "entropy_miller_madow": entropy(counts.values()) + (len(counts) - 1) / (2 * total) * math.log2(math.e),
        "entropy_given_class_bits": given,
        "class_information_bits": entropy(counts.values()) - given,
        "mode_share": max(counts.values()) / total,
        "distinct_share": len(counts) / total,
    }
    for name, other_TJ in (("previous", before_TJ), ("initial", initial_TJ)):
        if other_TJ is None:
            found |= {f"{key}_{name}": None for key in ("jaccard", "weighted_jaccard", "hamming")}
            continue
        other = Counter(tuple(row) for row in other_TJ.tolist())
        either = counts.keys() | other.keys()
        found |= {
            f"jaccard_{name}": len(counts.keys() & other.keys()) / len(either),
            f"weighted_jaccard_{name}": sum(min(counts[p], other[p]) for p in either)
            / sum(max(counts[p], other[p]) for p in either),
            f"hamming_{name}": (on_TJ[:first] != other_TJ[:first]).mean(),
        }
    return found


def switches(net, x, threshold):
    """By hand: the switches of the two layers, [T, J]."""
    training = net.training
    net.eval()
    with torch.no_grad():
        z1 = net.norm(net.conv(x))
        z2 = net.fc1(functional.max_pool2d(functional.relu(z1), 2).flatten(1))
    net.train(training)
    return [(z1.movedim(1, -1).reshape(-1, 4) > threshold).numpy(), (z2 > threshold).numpy()]


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_the_numbers_are_those_of_a_slow_count_in_float64(net, data, threshold):
    net.double()
    x, y = data[0].double(), data[1]
    optimiser = torch.optim.SGD(net.parameters(), lr=0.5)
    follow = nodescope.follow(net, (x, y), every=2, theta_threshold=threshold, hamming_samples=30)
    seen = [switches(net, x, threshold)]
    for step in range(1, 5):
        optimiser.zero_grad()
        functional.nll_loss(net(x), y).backward()
        optimiser.step()
        now = switches(net, x, threshold)
        assert bool(follow.step()) == (step % 2 == 0)
        if step % 2 == 0:
            seen.append(now)
    table = follow.table()
    assert table.schema == pl.Schema(FOLLOWED.schema())
    assert table["step"].unique(maintain_order=True).to_list() == [0, 2, 4]
    assert table["layer_name"].unique(maintain_order=True).to_list() == ["act", "forward/relu:1"]
    for look, layers in enumerate(seen):
        for layer, on_TJ in enumerate(layers):
            positions = len(on_TJ) // len(x)
            before = seen[look - 1][layer] if look else None
            expected = slow(on_TJ, np.repeat(y.numpy(), positions), before, seen[0][layer], first=30 * positions)
            row = table.row(2 * look + layer, named=True)
            assert {key: row[key] for key in expected} == pytest.approx(expected)
    assert seen[0][0].any() and not np.array_equal(seen[0][1], seen[2][1])
    assert table["entropy_bits"].n_unique() > 3


def test_what_was_seen_is_a_plain_dict_of_floats_by_quantity_and_layer(net, data):
    follow = nodescope.follow(net, data)
    assert {key.partition("/")[2] for key in follow.seen} == {"act", "forward/relu-1"}
    assert {key.partition("/")[0] for key in follow.seen} == set(MEASURED) - {
        "jaccard_previous",
        "weighted_jaccard_previous",
        "hamming_previous",
    }
    assert all(type(value) is float for value in follow.seen.values())
    last = follow.table().filter(pl.col("layer") == 2).row(0, named=True)
    assert follow.seen["dead_nodes/forward/relu-1"] == last["dead_nodes"]


def test_without_labels_there_is_nothing_of_classes(net, data):
    for probe in (data[0], (data[0], torch.rand(50)), (data[0], torch.rand(50, 4))):  # targets of a regression
        table = nodescope.follow(net, probe).table()
        assert table["class_information_bits"].null_count() == table["entropy_given_class_bits"].null_count() == 2
        assert table["entropy_bits"].null_count() == 0


@settings(max_examples=20, deadline=None)
@given(size=st.integers(1, 50), extra=st.integers(0, 4), per_sample=st.none() | st.integers(1, 5))
def test_neither_batches_nor_padding_change_a_number(size, extra, per_sample):
    torch.manual_seed(0)
    net, ids = Tokens(), torch.randint(20, (50, 6))
    mask = (torch.arange(6) < torch.randint(2, 7, (50, 1))).long()
    expected = nodescope.follow(net, {"ids": ids, "mask": mask}, mask="mask", positions_per_sample=per_sample).table()
    assert expected["patterns"].item() == (
        mask.sum() if per_sample is None else mask.sum(1).clamp(max=per_sample).sum()
    )
    ids = torch.cat([ids, torch.full((50, extra), 7)], 1)
    mask = torch.cat([mask, torch.zeros(50, extra, dtype=torch.long)], 1)
    batches = [
        {"ids": i, "mask": m, "labels": torch.zeros(len(i))}
        for i, m in zip(ids.split(size), mask.split(size), strict=True)
    ]
    found = nodescope.follow(net, batches, mask="mask", positions_per_sample=per_sample).table()
    assert found.equals(expected)


def test_a_choice_of_positions_judges_nodes_by_all(net, data):
    every = nodescope.follow(net, data).table()
    some = nodescope.follow(net, data, positions_per_sample=5).table()
    of_nodes = ["share_on", "sparsity", "dead_nodes", "always_on_nodes"]
    assert some.select(of_nodes).equals(every.select(of_nodes))
    assert (every["patterns"].to_list(), some["patterns"].to_list()) == ([1800, 50], [250, 50])


def test_what_is_no_number_is_null_and_the_training_is_not_stopped(net, data):
    with torch.no_grad():
        net.fc1.bias[3] = math.nan
    follow = nodescope.follow(net, data)
    first, second = follow.table().rows(named=True)
    assert first["entropy_bits"] is not None and first["dead_nodes"] is not None
    assert all(second[name] is None for name in MEASURED) and second["patterns"] == 50
    assert {key.partition("/")[2] for key in follow.seen} == {"act"}
    with torch.no_grad():
        net.fc1.bias[3] = 0.0
    follow.look()
    again = follow.table().row(3, named=True)
    assert again["entropy_bits"] is not None and again["hamming_previous"] is None


def test_outputs_of_modules_are_followed_where_they_are_named(net, data):
    follow = nodescope.follow(net, data, layers=["fc2", "type:Conv2d"])
    assert follow.table()["layer_name"].to_list() == ["conv", "fc2"]
    seen = []
    net.fc2.register_forward_hook(lambda module, args, output: seen.append(output > 0))
    net.eval()(data[0])
    assert follow.table()["share_on"][1] == pytest.approx(seen[0].double().mean().item())


# --- what is not changed ---


@pytest.mark.parametrize("folder", [None, "recordings"])
def test_the_training_is_the_same_to_the_last_bit(data, tmp_path, folder):
    def made():
        torch.manual_seed(0)
        return Net()

    expected = train(made(), data)
    loader = DataLoader(TensorDataset(*data), batch_size=16, shuffle=True)
    found = train(made(), data, follow=loader, folder=folder and tmp_path / folder)
    assert_same_training(found, expected)
    assert not found[3]["norm"] and found[3]["dropout"]


def test_statistics_and_counters_are_restored_that_a_forward_pass_changes(data):
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))
            self.fc = nn.Linear(64, 5)

        def forward(self, x):
            self.calls += 1
            return torch.relu(self.fc(x.flatten(1)))

    net = Counting()
    parameter = net.fc.weight.data_ptr()
    net.fc.bias.requires_grad_(False)
    net.fc.weight.grad = torch.ones(5, 64)
    follow = nodescope.follow(net, data)
    follow.look()
    assert net.calls == 0 and not net.fc.bias.requires_grad and net.fc.weight.requires_grad
    assert net.fc.weight.data_ptr() == parameter and net.fc.weight.grad.sum() == 320


def test_random_numbers_go_on_though_the_network_and_the_data_draw_some(data):
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 5)

        def forward(self, x):
            noise = np.random.random() + random.random() + torch.rand(())  # noqa: NPY002
            return torch.relu(self.fc(x.flatten(1) + noise))

    class Augmented(Pictures):
        def __getitem__(self, place):
            return self.x[place] + np.random.random() + random.random() + torch.rand(()), self.y[place]  # noqa: NPY002

    def drawn(*, followed):
        torch.manual_seed(2)
        np.random.seed(2)  # noqa: NPY002
        random.seed(2)
        if followed:
            nodescope.follow(Noisy(), Augmented(data)).look()
        else:
            Noisy()
        return torch.rand(()).item(), np.random.random(), random.random()  # noqa: NPY002

    assert drawn(followed=True) == drawn(followed=False)


def test_a_network_that_writes_over_its_input_leaves_the_samples_as_they_are(data):
    x = data[0].flatten(1).clone()
    kept = x.clone()
    follow = nodescope.follow(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(64, 3), nn.ReLU()), x)
    follow.look()
    assert torch.equal(x, kept)
    assert follow.table()["hamming_previous"].to_list() == [None, None, 0.0, 0.0]


def test_what_is_cached_amid_a_look_can_be_trained_with(data):
    class Cached(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.cache = nn.Linear(64, 5), None

        def forward(self, x):
            if self.cache is None:
                self.cache = x.new_ones(5) * 2
            return torch.relu(self.fc(x.flatten(1)) * self.cache)

    net = Cached()
    nodescope.follow(net, data)
    net(data[0]).sum().backward()
    assert net.fc.weight.grad is not None


def test_weights_that_autocast_casts_keep_their_gradients(data):
    def gradients(*, followed):
        torch.manual_seed(0)
        net = Net()
        with torch.autocast("cpu", torch.bfloat16):
            if followed:
                nodescope.follow(net, data)
            functional.nll_loss(net(data[0]).float(), data[1]).backward()
        return [parameter.grad for parameter in net.parameters()]

    for found, expected in zip(gradients(followed=True), gradients(followed=False), strict=True):
        assert found is not None and torch.equal(found, expected)


def test_nothing_is_kept_of_the_network_after_the_end(net, data):
    with nodescope.follow(net, data, every=5) as follow:
        for _ in range(7):
            follow.step()
    assert follow.table()["step"].unique(maintain_order=True).to_list() == [0, 5, 7]
    assert follow.step() == follow.look() == follow.close() == {}
    assert len(follow.table()) == 6
    assert not any(isinstance(value, nn.Module) for value in vars(follow).values())


# --- networks ---


def test_half_precision_is_followed(net, data):
    expected = nodescope.follow(net.bfloat16(), (data[0].bfloat16(), data[1])).table()
    assert nodescope.follow(net, data).table().equals(expected)
    assert expected["entropy_bits"].null_count() == 0


def test_a_compiled_network_is_followed_as_the_bare_one_and_stays_compiled(net, data):
    expected = nodescope.follow(net, data).table()
    calls = []

    def backend(graph, inputs):
        calls.append("compiled")
        return graph

    torch._dynamo.reset()
    compiled = torch.compile(net.eval(), backend=backend)
    before = compiled(data[0])
    n_compiled = len(calls)
    assert n_compiled
    found = nodescope.follow(compiled, data)
    assert found.table().equals(expected)
    assert torch.equal(compiled(data[0]), before) and len(calls) == n_compiled


def test_programs_are_refused(net, data):
    with pytest.raises(NetworkError, match=r"torch\.export program: it has no layers"):
        nodescope.follow(torch.export.export(net.eval(), (data[0],)), data)


def test_other_processes_than_the_first_see_nothing(net, data, monkeypatch):
    monkeypatch.setattr("nodescope.following.follower.is_other_process", lambda: True)
    with nodescope.follow(net, data, every=1) as follow:
        assert follow.step() == {}
    assert follow.table().is_empty()


# --- probes ---


class Pictures(Dataset):
    def __init__(self, data):
        self.x, self.y = data

    def __len__(self):
        return len(self.x)

    def __getitem__(self, place):
        return self.x[place], self.y[place]


class Stream(IterableDataset):
    def __init__(self, data):
        self.data = data

    def __iter__(self):
        return zip(*self.data, strict=True)


@pytest.mark.parametrize(
    "given",
    [
        lambda data: (data[0].numpy(), data[1].numpy()),
        lambda data: list(data),
        lambda data: {"x": data[0], "labels": data[1]},
        Pictures,
        lambda data: DataLoader(Pictures(data), batch_size=7),
        lambda data: DataLoader(Pictures(data), batch_size=7, shuffle=True),
        lambda data: DataLoader(Stream(data), batch_size=7),
        Stream,
        lambda data: iter([(data[0][:20], data[1][:20]), (data[0][20:], data[1][20:])]),
    ],
)
def test_a_probe_comes_in_any_form(net, data, given):
    assert nodescope.follow(net, given(data)).table().equals(nodescope.follow(net, data).table())


@pytest.mark.parametrize("given", [lambda data: data, Pictures, lambda data: DataLoader(Pictures(data), shuffle=True)])
def test_of_a_large_probe_the_same_samples_are_drawn_whatever_its_form(data, given):
    probe = Probe(given(data), samples=20)
    drawn = np.sort(np.random.default_rng(0).choice(50, 20, replace=False))
    x = torch.cat([batch.inputs for batch in probe.batches])
    assert torch.equal(x, data[0][drawn]) and len(probe) == 20
    np.testing.assert_array_equal(probe.classes, data[1][drawn])


def test_of_a_stream_the_first_samples_are_taken(data):
    probe = Probe(DataLoader(Stream(data), batch_size=7), samples=20)
    assert torch.equal(torch.cat([batch.inputs for batch in probe.batches]), data[0][:20])
    assert [len(batch) for batch in probe.batches] == [7, 7, 6]


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        (torch.zeros(0, 1, 8, 8), "The probe has no samples"),
        ([], "The probe has no samples"),
        (torch.full((4, 1, 8, 8), math.nan), "holds NaN, in its sample 0"),
        (torch.zeros(4, 1, 10, 10), r"cannot run the probe, whose samples are float32 \(1, 10, 10\): .*mat1 and mat2"),
        (torch.zeros(4, 8), r"cannot run the probe, whose samples are float32 \(8,\)"),
        ({"pixels": torch.zeros(4, 1, 8, 8)}, "unexpected keyword argument 'pixels'"),
        (3, "The probe is of type int"),
        ((torch.zeros(4, 1, 8, 8),) * 4, "of 4"),
    ],
)
def test_a_probe_that_does_not_fit_is_refused_before_the_training(net, probe, message):
    with pytest.raises(NetworkError, match=message):
        nodescope.follow(net, probe)
    assert net.training and not any(module._forward_hooks for module in net.modules())


def test_what_cannot_be_followed_is_refused(net, data):
    with pytest.raises(NetworkError, match="no activation function was seen"):
        nodescope.follow(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), data)
    with pytest.raises(NetworkError, match="pattern 'acts' fits nothing; did you mean 'act'"):
        nodescope.follow(net, data, layers=["acts"])
    with pytest.raises(NetworkError, match="lazy parameters"):
        nodescope.follow(nn.Sequential(nn.Flatten(), nn.LazyLinear(3), nn.ReLU()), data)
    with pytest.raises(NetworkError, match="at least 1"):
        nodescope.follow(net, data, every=0)
    with pytest.raises(NetworkError, match="no effect without a folder"):
        nodescope.follow(net, data, record_every=5)
    batches = [{"ids": torch.zeros(3, n, dtype=torch.long), "mask": torch.ones(3, n)} for n in (4, 6)]
    with pytest.raises(NetworkError, match="5 nodes and 6 positions in batch 2, 5 and 4 before"):
        nodescope.follow(Tokens(), batches, mask="other")


# --- recordings, files and steps ---


def test_states_are_recorded_with_the_table_beside_them(net, data, tmp_path):
    with nodescope.follow(net, data, every=2, folder=tmp_path, record_every=4, seed=3, axes={"width": 70}) as follow:
        for _ in range(9):
            follow.step()
    place = tmp_path / "width-70" / "seed-3"
    assert {path.name for path in place.iterdir()} == {"initial", "step-4", "step-8", "trained", "followed.parquet"}
    assert pl.read_parquet(place / "followed.parquet").equals(follow.table())
    layer = read(place / "trained" / "test" / "layer-2.parquet")
    assert layer.metadata.name == "forward/relu:1"
    net.eval()
    on = switches(net, data[0], 0.0)[1]
    np.testing.assert_array_equal(layer.z.T > 0, on[layer.samples])
    assert follow.table()["share_on"][-1] == pytest.approx(on.mean())


def test_a_training_that_fails_keeps_what_was_seen(net, data, tmp_path):
    with pytest.raises(KeyboardInterrupt), nodescope.follow(net, data, every=2, folder=tmp_path) as follow:
        for step in range(9):
            follow.step()
            if step == 4:
                raise KeyboardInterrupt
    assert follow.table()["step"].unique(maintain_order=True).to_list() == [0, 2, 4]
    (place,) = tmp_path.glob("*/seed-0")
    assert {path.name for path in place.iterdir()} == {"initial", "followed.parquet"}
    assert not any(module._forward_hooks for module in net.modules())


def test_steps_may_be_counted_by_others_and_begin_anywhere(net, data):
    follow = nodescope.follow(net, data, every=10, first_step=35)
    looked = [steps for steps in (36, 36, 40, 40, 48, 53, 59) if follow.step(steps)]
    assert looked == [40, 53]
    follow.close()
    assert follow.table()["step"].unique(maintain_order=True).to_list() == [35, 40, 53, 59]


def test_the_table_is_written_whole(net, data, tmp_path):
    follow = nodescope.follow(net, data)
    path = follow.write(tmp_path / "below" / "followed.parquet")
    assert pl.read_parquet(path).equals(follow.table())
    assert [each.name for each in path.parent.iterdir()] == ["followed.parquet"]


def test_a_buffer_in_whose_place_a_forward_pass_puts_another_is_as_before():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 4)
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, x):
            self.seen = self.seen + 1
            return torch.relu(self.linear(x))

    network = Counting()
    before = network.seen
    with nodescope.follow(network, torch.randn(5, 3)) as followed:
        followed.look()
    assert network.seen is before and network.seen == 0
