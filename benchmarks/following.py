"""A training loop that is followed at every 10th step, beside the same loop with bare forward passes of the probe."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from measure import Measured, Row, side

SAMPLES, BATCH, EVERY, LOOKS = 1_000, 64, 10, 2
#: Rounds of the loops, one after another, so that what else the machine does is shared by them.
ROUNDS = 8
#: Looking may cost this many times the forward passes.
TOLERATED = 1.1

WHAT = {
    "mnist": "PyTorch's MNIST example (2 convolutions)",
    "mlp": "mlp 784-200-200-200-10",
}


def network(kind: str) -> Any:
    """PyTorch's MNIST example, with functional activations, or a multilayer perceptron."""
    import torch.nn.functional as f
    from torch import nn

    class Example(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
            self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
            self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = self.dropout1(f.max_pool2d(f.relu(self.conv2(f.relu(self.conv1(x)))), 2))
            return f.log_softmax(self.fc2(self.dropout2(f.relu(self.fc1(x.flatten(1))))), dim=1)

    if kind == "mnist":
        return Example()
    hidden = [part for n_in in (784, 200, 200) for part in (nn.Linear(n_in, 200), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(200, 10), nn.LogSoftmax(1))


def loops(kind: str) -> Any:
    """CPU seconds of looks and passes, and of the loops around them, round by round; and the trained weights."""
    import torch

    import nodescope

    torch.set_num_threads(1)
    torch.manual_seed(0)
    # Blots on a dark ground, as digits are: most positions of an image show the same pattern.
    blots = torch.nn.functional.interpolate(torch.rand(SAMPLES, 1, 7, 7), size=28, mode="bilinear")
    x, y = (blots - 0.5).clamp(min=0), torch.randint(10, (SAMPLES,))

    def loop(look: Callable[[Any], Callable[[], Any]]) -> tuple[float, float, Any]:
        torch.manual_seed(1)
        model = network(kind)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
        looks = look(model)
        looks()  # compiles, finds the layers
        looking, started = 0.0, time.process_time()
        for step in range(1, EVERY * LOOKS + 1):
            part = torch.randperm(SAMPLES)[:BATCH]
            optimiser.zero_grad()
            torch.nn.functional.nll_loss(model.train()(x[part]), y[part]).backward()
            optimiser.step()
            if step % EVERY == 0:
                begun = time.process_time()
                looks()
                looking += time.process_time() - begun
        return looking, time.process_time() - started, [p.detach().clone() for p in model.parameters()]

    def follow(model: Any) -> Callable[[], Any]:
        return nodescope.follow(model, (x, y), every=EVERY).look

    def passes(model: Any) -> Callable[[], Any]:
        """Bare forward passes, in the batches that a recording takes, which are the fastest here."""
        from nodescope.networks.found_layers import find_layers
        from nodescope.recording.recorder import batch_size

        with torch.no_grad():
            found = find_layers(model.eval(), x[:4])
        size = batch_size([(layer.nodes, layer.positions) for layer in found], x[0].numel())

        @torch.no_grad()
        def run() -> None:
            model.eval()
            for part in x.split(size):
                model(part)

        return run

    def run() -> Any:
        found = []
        for number in range(ROUNDS):  # each side begins every other round
            one, other = (follow, passes) if number % 2 else (passes, follow)
            first, second = loop(one), loop(other)
            found.append((first, second) if number % 2 else (second, first))
        for ours, theirs in zip(found[0][0][2], found[0][1][2], strict=True):
            assert torch.equal(ours, theirs), "following changed the training"
        return [(looks[:2], bare[:2]) for looks, bare in found]

    return run, lambda found: found


def compare_following(*kinds: str) -> list[Row]:
    """A look against the forward passes of its samples; the trained networks are the same bit for bit."""
    rows = []
    for kind in kinds:
        both = side(loops, kind, repeat=1)
        looks, passes = ([of[which][0] for of in both.result] for which in (0, 1))
        ratio = statistics.median(look / bare for look, bare in zip(looks, passes, strict=True))
        whole = statistics.median(ours[1] / theirs[1] for ours, theirs in both.result)
        bare = statistics.median(passes) / LOOKS
        rows.append(
            Row(
                f"following-{kind}",
                f"following a training at every {EVERY}th step, probe of {SAMPLES:,}; {WHAT[kind]}, batch {BATCH}",
                "bare forward passes of the probe in the same loop",
                f"<= {TOLERATED:g}x the passes",
                Measured(ratio * bare, both.peak_mb, None),
                Measured(bare, both.peak_mb, None),
                ratio <= TOLERATED,
                f"a look is {ratio:.2f}x its passes; the loop with looks is {whole:.2f}x that with passes (CPU seconds, median "
                f"of {ROUNDS} rounds in turn)",
            )
        )
    return rows
