"""What breaks when a node is switched off, and for which class?

Formula: the activation of a node is replaced by v for all samples (and at all positions), everything else stays: kind ``zero``
v = 0, kind ``mean`` v = the mean of the node over training samples. L' - L is the change of a test sample's cross-entropy in
nats, ``loss_change`` its mean with ``standard_error`` sd / sqrt(N), ``lost`` and ``gained`` count samples newly wrong and newly
right, ``flipped`` is the share of changed predictions. Zero is neutral for a ReLU, not for a sigmoid: lead with ``mean``. Morcos
et al. (2018) and Zhou et al. (2018) clamp to zero; ways to switch off disagree (Pochinkov et al. 2024). Batch normalisation keeps
its statistics. A ReLU that is dead, and the mean of a constant node, change nothing: exactly 0 (methods, section 7).

A layer whose nodes cost more than ``exact_limit`` is screened first: ``o' = o + (v - a) do/da``, to first order in all nodes
at once, with the exact loss and prediction of o' (method ``logit_linear``; ``estimate``). Then the nodes of the largest effect
and some random ones are computed exactly. Single nodes miss what two copies do for each other: ``ablation_joint`` switches many
off.
Needs: the networks, test samples with classes. Gives: per layer, kind and node of the kept networks a row, in
``ablation_classes`` one for each class; null where a network is not finite or a class is absent. Layers that no module gives
are left out.
Cost: of a hidden layer, N J times the multiply-adds of the layers behind the next, as the next changes by a rank-one term; in
other networks than fully connected ones N J forward passes at most.
"""

import logging
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import NetworkOptions
from nodescope.config.fields import Count, Index, PositiveNumber
from nodescope.storage.columns import CLASS, LAYER, NODE, Column, Quantity, Table, number_of, share

if TYPE_CHECKING:
    import torch

    from nodescope.measuring.ablating import NodeRange
    from nodescope.measuring.networks import MeasuredNetwork

logger = logging.getLogger(__name__)

KINDS = ("zero", "mean")
#: Shares of the nodes of a layer that are switched off together.
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
#: Training samples whose mean stands for a node, where there are more: evenly spaced.
MEAN_SAMPLES = 10_000
#: Samples that are looked at together, in layers without positions and with them.
BATCH, BATCH_OF_IMAGES = 512, 32
#: More outputs than these are not screened: that takes a backward pass for each.
MOST_OUTPUTS = 100


class Ablation(NetworkOptions):
    """What changes when a node of the kept networks is switched off: set to zero, or to its mean."""

    test_samples: Count = Field(2000, description="test samples to use at most, evenly spaced")
    test_images: Count = Field(200, description="the same of networks whose layers have positions")
    method: Literal["auto", "exact", "logit_linear"] = Field(
        "auto",
        description="exact: compute every node; logit_linear: estimate all nodes to first order; auto: exact up to exact_limit, "
        "else estimate and compute checked nodes exactly",
    )
    exact_limit: PositiveNumber = Field(
        1e12, description="with method: auto, multiply-adds up to which all nodes of a layer are computed exactly"
    )
    checked: Index = Field(
        20, description="nodes of the largest estimates, and as many random ones, that are computed exactly"
    )
    orders: Index = Field(20, description="random orders in which nodes are switched off together; 0: none")


class Effects:
    """Sums over samples of what switching off changes, for each node of a layer and class."""

    def __init__(self, nodes: int, classes: int) -> None:
        self.sums_KJC = np.zeros((5, nodes, classes))

    def add(
        self, node_A: "torch.Tensor", logits_ABC: "torch.Tensor", base_BC: "torch.Tensor", y_B: "torch.Tensor"
    ) -> None:
        """Logits with nodes off, one in each way, beside those with all nodes."""
        import torch
        from torch.nn import functional

        loss_B, before_B = functional.cross_entropy(base_BC, y_B, reduction="none"), base_BC.argmax(1)
        ways = len(logits_ABC)
        flat = functional.cross_entropy(logits_ABC.flatten(0, 1), y_B.repeat(ways), reduction="none")
        change_AB = flat.view(ways, -1) - loss_B
        after_AB = logits_ABC.argmax(2)
        was_B, is_AB = before_B == y_B, after_AB == y_B
        exact_AB = change_AB.double()
        sums = torch.stack([exact_AB, exact_AB.square()])
        counts = torch.stack([was_B & ~is_AB, ~was_B & is_AB, after_AB != before_B]).float()
        classes_BC = functional.one_hot(y_B, self.sums_KJC.shape[2])
        nodes = node_A.numpy()
        self.sums_KJC[:2, nodes] += (sums @ classes_BC.double()).numpy()
        self.sums_KJC[2:, nodes] += (counts @ classes_BC.float()).numpy()

    def columns(self, counts_C: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Of all samples [J]."""
        return _described(self.sums_KJC.sum(axis=2), counts_C.sum())

    def columns_of_classes(self, counts_C: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Of each class [J, C]; masked where it is absent."""
        found = _described(self.sums_KJC, counts_C)
        absent = np.broadcast_to(counts_C == 0, self.sums_KJC.shape[1:])
        return {name: np.ma.masked_array(values, absent) for name, values in found.items()}


def _described(sums: NDArray[np.float64], count: Any) -> dict[str, NDArray[Any]]:
    change, squares, lost, gained, flipped = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = change / count
        variance = np.maximum(squares - count * mean**2, 0) / (np.asarray(count) - 1)
        error = np.where(np.asarray(count) > 1, np.sqrt(variance / count), np.nan)
        return {
            "loss_change": mean,
            "standard_error": error,
            "lost": lost.astype(np.int64),
            "gained": gained.astype(np.int64),
            "flipped": flipped / count,
        }


def measure(network: "MeasuredNetwork", options: Ablation) -> Parts:
    """Columns layer, node, kind, method, samples, loss_change ... estimate; tables ablation_classes, ablation_joint."""
    if not network.has_loss():
        return
    yield from _Measurement(network, options).parts()


class _Measurement:
    """One network: what is known before nodes are switched off, and what changes."""

    def __init__(self, network: "MeasuredNetwork", options: Ablation) -> None:
        self.options = options
        self.layers = network.hidden_layers()
        has_positions = any(layer.positions > 1 for layer in self.layers)
        self.batch = BATCH_OF_IMAGES if has_positions else BATCH
        count = options.test_images if has_positions else options.test_samples
        self.test = network.of_split("test", count)
        train = network.of_split("train", options.test_images if has_positions else MEAN_SAMPLES)
        self.of_train, self.of_test = train.ranges(self.batch), self.test.ranges(self.batch)
        self.outputs = self.test.output(next(self.test.batches(1))[0]).shape[1]
        self.counts_C = np.bincount(self.test.y.numpy(), minlength=self.outputs)
        self.numbers = network.replaceable_layers()
        left_out = [layer.name for n, layer in enumerate(self.layers, start=1) if n not in self.numbers]
        if left_out:
            logger.info("ablation: no module gives these layers, which are left out: %s", ", ".join(left_out))
        self.adds = network.multiply_adds()

    def cost(self, number: int) -> float:
        """Multiply-adds of switching off a node of a layer for all samples, at most."""
        behind = sum(self.adds[number + 1 :]) if self.test.is_chain else sum(self.adds)
        return float(len(self.test.y)) * (behind + self.layers[number - 1].nodes)

    def parts(self) -> Parts:
        finite = all(bool((r.maximum - r.minimum).isfinite().all()) for r in (*self.of_train, *self.of_test))
        if not finite or not self._logits_are_finite():
            for number in self.numbers:
                nodes = self.layers[number - 1].nodes
                for kind in KINDS:
                    yield {"layer": number, "node": np.arange(nodes), "kind": kind}
            return
        screened = [number for number in self.numbers if self._is_screened(number)]
        estimates = self._estimates(screened)
        wanted = {number: self._nodes(number, estimates.get(number)) for number in self.numbers}
        exact = self._exact({number: nodes for number, nodes in wanted.items() if nodes is not None})
        for number in self.numbers:
            yield from self._of_layer(number, wanted[number], exact.get(number), estimates.get(number))
        if self.options.orders:
            yield from self._joint(exact, estimates)

    def _logits_are_finite(self) -> bool:
        import torch

        with torch.no_grad():
            return all(bool(self.test.output(x).isfinite().all()) for x, _ in self.test.batches(self.batch))

    def _is_screened(self, number: int) -> bool:
        if self.options.method != "auto" or self.outputs > MOST_OUTPUTS:
            return self.options.method == "logit_linear"
        return self.layers[number - 1].nodes * self.cost(number) > self.options.exact_limit

    def _changing(self, number: int, kind: str) -> NDArray[np.bool_]:
        """The nodes [J] that change anything."""
        from nodescope.numerics.moments import are_constant

        train, test = (_arrays(each[number - 1]) for each in (self.of_train, self.of_test))
        if kind == "zero":
            return np.asarray((test[0] != 0) | (test[1] != 0))
        return ~are_constant(np.minimum(train[0], test[0]), np.maximum(train[1], test[1]))

    def _estimates(self, numbers: list[int]) -> dict[int, dict[str, Effects]]:
        import torch

        found = {n: self._effects(n) for n in numbers}
        for number in numbers:
            layer, mean_J = self.layers[number - 1], self.of_train[number - 1].mean
            for x, y in self.test.batches(self.batch):
                with torch.no_grad():
                    base = self.test.output(x)
                for kind, changes in self.test.linear_changes(layer, x, mean_J).items():
                    for part in torch.split(torch.arange(layer.nodes), max(1, (1 << 22) // base.numel())):
                        found[number][kind].add(part, base + changes[part], base, y)
            for kind in KINDS:
                found[number][kind].sums_KJC[:, ~self._changing(number, kind)] = 0
        return found

    def _effects(self, number: int) -> dict[str, Effects]:
        return {kind: Effects(self.layers[number - 1].nodes, self.outputs) for kind in KINDS}

    def _nodes(self, number: int, estimates: dict[str, Effects] | None) -> NDArray[np.int64] | None:
        """The nodes of a layer that are computed exactly; None: none."""
        nodes = self.layers[number - 1].nodes
        if estimates is None:
            return np.arange(nodes)
        if self.options.method == "logit_linear":
            return None
        checked = min(self.options.checked, nodes)
        # Of a network that is too large for these even, fewer.
        affordable = int(self.options.exact_limit // (2 * self.cost(number)))
        checked = min(checked, max(1, affordable))
        largest = np.zeros(nodes)
        for effects in estimates.values():
            largest = np.maximum(largest, np.abs(effects.columns(self.counts_C)["loss_change"]))
        random = np.random.default_rng(number).permutation(nodes)[:checked]
        return np.union1d(np.argsort(-largest, kind="stable")[:checked], random)

    def _exact(self, wanted: dict[int, NDArray[np.int64]]) -> dict[int, dict[str, Effects]]:
        import torch

        found = {number: self._effects(number) for number in wanted}
        for x, y in self.test.batches(self.batch):
            for number, layer in self.test.layers_off(x, wanted):
                base = layer.baseline()
                for kind, effects in found[number].items():
                    node_A = wanted[number][self._changing(number, kind)[wanted[number]]]
                    nodes = torch.from_numpy(node_A)
                    mean_J = self.of_train[number - 1].mean.to(base.dtype)
                    values = mean_J[nodes] if kind == "mean" else torch.zeros(len(nodes), dtype=base.dtype)
                    for part, logits in layer.single(nodes, values):
                        effects.add(nodes[part], logits, base, y)
        return found

    def _of_layer(
        self,
        number: int,
        nodes: NDArray[np.int64] | None,
        exact: dict[str, Effects] | None,
        estimates: dict[str, Effects] | None,
    ) -> Parts:
        n_nodes = self.layers[number - 1].nodes
        is_exact = np.zeros(n_nodes, np.bool_)
        if nodes is not None:
            is_exact[nodes] = True
        for kind in KINDS:
            effects = _together(exact[kind] if exact else None, estimates[kind] if estimates else None, is_exact)
            place = {"layer": number, "kind": kind}
            method = np.where(is_exact, "exact", "logit_linear")
            part = {"node": np.arange(n_nodes), "method": method, "samples": self.counts_C.sum()}
            columns = effects.columns(self.counts_C)
            if estimates is not None:
                estimate = estimates[kind].columns(self.counts_C)["loss_change"]
                part["estimate"] = estimate
                _say_how_alike(kind, self.layers[number - 1].name, estimate[is_exact], columns["loss_change"][is_exact])
            yield place | part | columns
            classes = {name: values.ravel() for name, values in effects.columns_of_classes(self.counts_C).items()}
            yield place | {
                "table": "ablation_classes",
                "node": np.repeat(np.arange(n_nodes), self.outputs),
                "class": np.tile(np.arange(self.outputs), n_nodes),
                "samples": np.tile(self.counts_C, n_nodes),
                **classes,
            }

    def _joint(self, exact: dict[int, dict[str, Effects]], estimates: dict[int, dict[str, Effects]]) -> Parts:
        """Accuracy where a share of a layer's nodes is switched off together."""
        import torch

        orders = self.options.orders
        runs = len(KINDS) * len(SHARES) * (orders + 1)
        # Each run begins at the layer itself, so that the next product counts too.
        wanted = [
            n
            for n in self.numbers
            if runs * (self.cost(n) + len(self.test.y) * self.adds[n]) <= self.options.exact_limit
        ]
        off = {number: self._sets_of_nodes(number, exact, estimates) for number in wanted}
        found = {number: {kind: np.zeros((2, len(off[number][kind]))) for kind in KINDS} for number in wanted}
        base = np.zeros(2)
        for x, y in self.test.batches(self.batch):
            for place, (number, layer) in enumerate(self.test.layers_off(x, wanted)):
                before = layer.baseline()
                if not place:
                    base += _loss_and_right(before[None], y).numpy()[:, 0]
                for kind, of_kind in found[number].items():
                    mean_J = self.of_train[number - 1].mean.to(before.dtype)
                    value_J = mean_J if kind == "mean" else torch.zeros_like(mean_J)
                    for part, logits in layer.several(torch.from_numpy(off[number][kind]), value_J):
                        of_kind[:, part] += _loss_and_right(logits, y).numpy()
        total = len(self.test.y)
        for number in wanted:
            nodes = self.layers[number - 1].nodes
            for kind in KINDS:
                loss, right = (values.reshape(orders + 1, len(SHARES)) / total for values in found[number][kind])
                for order, rows in (("least", slice(0, 1)), ("random", slice(1, None))):
                    for place, removed in enumerate((0.0, *SHARES)):
                        accuracy = right[rows, place - 1] if place else np.array([base[1] / total])
                        changes = loss[rows, place - 1] - base[0] / total if place else np.zeros(1)
                        yield {
                            "table": "ablation_joint",
                            "layer": number,
                            "kind": kind,
                            "order": order,
                            "share": removed,
                            "off": round(removed * nodes),
                            "orders": len(accuracy),
                            "accuracy": accuracy.mean(),
                            "spread": accuracy.std(ddof=1) if len(accuracy) > 1 else None,
                            "loss_change": changes.mean(),
                        }

    def _sets_of_nodes(
        self, number: int, exact: dict[int, dict[str, Effects]], estimates: dict[int, dict[str, Effects]]
    ) -> dict[str, NDArray[np.bool_]]:
        """Which nodes are off in each run [run, J]: the least important first, then in random orders; by kind."""
        nodes = self.layers[number - 1].nodes
        random = [np.random.default_rng([number, order]).permutation(nodes) for order in range(self.options.orders)]
        found = {}
        for kind in KINDS:
            known = estimates if number in estimates else exact
            change = known[number][kind].columns(self.counts_C)["loss_change"]
            orders = [np.argsort(change, kind="stable"), *random]
            off = np.zeros((len(orders), len(SHARES), nodes), np.bool_)
            for row, order in enumerate(orders):
                for place, removed in enumerate(SHARES):
                    off[row, place, order[: round(removed * nodes)]] = True
            found[kind] = off.reshape(-1, nodes)
        return found


def _arrays(of_nodes: "NodeRange") -> tuple[NDArray[Any], NDArray[Any]]:
    return of_nodes.minimum.numpy(), of_nodes.maximum.numpy()


def _together(exact: Effects | None, estimates: Effects | None, is_exact_J: NDArray[np.bool_]) -> Effects:
    """What was computed exactly where it was, else the estimates."""
    if exact is None or estimates is None:
        found = exact or estimates
        assert found is not None
        return found
    together = Effects(*exact.sums_KJC.shape[1:])
    together.sums_KJC = np.where(is_exact_J[None, :, None], exact.sums_KJC, estimates.sums_KJC)
    return together


def _say_how_alike(kind: str, name: str, estimate: NDArray[np.float64], exact: NDArray[np.float64]) -> None:
    from scipy.stats import spearmanr

    if len(exact) > 2 and np.ptp(exact) > 0 and np.ptp(estimate) > 0:
        text = "ablation (%s) of %s: rank correlation of estimates with %d nodes that were computed exactly: %.2f"
        logger.info(text, kind, name, len(exact), spearmanr(estimate, exact).statistic)


def _loss_and_right(logits_ABC: "torch.Tensor", y_B: "torch.Tensor") -> "torch.Tensor":
    """Summed cross-entropy, and the number of right predictions [2, A]."""
    import torch
    from torch.nn import functional

    ways = len(logits_ABC)
    loss = functional.cross_entropy(logits_ABC.flatten(0, 1), y_B.repeat(ways), reduction="none")
    right = (logits_ABC.argmax(2) == y_B).sum(1)
    return torch.stack([loss.view(ways, -1).double().sum(1), right.double()])


SAMPLES = Column("samples", "int32", "test samples that were used", number_of("samples"))
ABLATED = Column("kind", "string", "what the node is set to: zero, or mean, its mean over training samples")
LOSS_CHANGE = Quantity("change of the loss", "nats")
#: What changes, of some samples.
CHANGES = (
    Column("loss_change", "float64", "mean change of the cross-entropy; null where the network diverged", LOSS_CHANGE),
    Column(
        "standard_error",
        "float64",
        "of the mean change, over the samples; null of a single one",
        Quantity("standard error", "nats", (0.0, None)),
    ),
    Column("lost", "int32", "samples that are newly wrong", number_of("samples lost")),
    Column("gained", "int32", "samples that are newly right", number_of("samples gained")),
    Column("flipped", "float64", "share of the samples whose prediction changes", share("changed predictions")),
)

ANALYSIS = Analysis(
    title="nodes switched off",
    job="networks",
    order=150,
    options=Ablation,
    columns=(
        LAYER,
        NODE,
        ABLATED,
        Column("method", "string", "exact, or logit_linear: estimated to first order; null where the network diverged"),
        SAMPLES,
        *CHANGES,
        Column(
            "estimate",
            "float64",
            "change of the loss by logit_linear; null in layers that were computed exactly at once",
            Quantity("estimated change of the loss", "nats"),
        ),
    ),
    further=(
        Table(
            "ablation_classes",
            "What changes for each class when a node is switched off.",
            (
                LAYER,
                NODE,
                ABLATED,
                CLASS,
                Column("samples", "int32", "test samples of the class that were used", number_of("samples")),
                *CHANGES,
            ),
        ),
        Table(
            "ablation_joint",
            "How accurate the network is with many nodes of a layer switched off together: the least important first, or at "
            "random.",
            (
                LAYER,
                ABLATED,
                Column(
                    "order",
                    "string",
                    "least: smallest loss_change of a single node first; random: mean of random orders",
                ),
                Column("share", "float64", "share of the layer's nodes that are off", share("nodes switched off")),
                Column("off", "int32", "nodes that are off", number_of("nodes switched off")),
                Column("orders", "int32", "orders that the mean is of", number_of("orders")),
                Column("accuracy", "float64", "on the test samples that were used", share("accuracy")),
                Column(
                    "spread",
                    "float64",
                    "standard deviation of the accuracy over the orders; null of one",
                    Quantity("standard deviation", "points", (0.0, 1.0), ".2f", 100.0),
                ),
                Column("loss_change", "float64", "change of the cross-entropy", LOSS_CHANGE),
            ),
        ),
    ),
    measure=measure,
    states="kept",
    needs=("classes", "output"),
)
