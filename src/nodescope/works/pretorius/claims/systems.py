"""Claims on layers as classifiers (Pretorius 2020, chapter 6)."""

import polars as pl

from nodescope.works.cases import (
    Tables,
    as_cases,
    axes_of,
    change,
    extremes,
    in_last_layer,
    last_less_first,
    need,
    per_net,
)
from nodescope.works.claim import Claim
from nodescope.works.judging import BOUND_RULE, SIGN_RULE, Judgement, NotRun, judge_all, judge_bounds, judge_sign

TEST = pl.col("split") == "test"
TRAINED = pl.col("state") == "trained"

#: "Agree", "approach": within this of each other.
CLOSE = 0.01
#: "Hardly changes": by no more than this.
HARDLY = 0.05


def systems_agree_in_the_last_layer(tables: Tables) -> Judgement:
    """Trained nets, test split: the best system of the last layer less the worst."""
    last = in_last_layer(need(tables, "layer_accuracy", TEST, TRAINED))
    spread = pl.when(pl.col("accuracy").is_not_null().all()).then(pl.col("accuracy").max() - pl.col("accuracy").min())
    return judge_bounds(as_cases(per_net(last, spread)), high=CLOSE)


def last_layer_approaches_the_network(tables: Tables) -> Judgement:
    """Trained nets, test split: each system of the last layer less the network."""
    last = in_last_layer(need(tables, "layer_accuracy", TEST, TRAINED))
    gap = (pl.col("accuracy") - pl.col("network_accuracy")).first()
    return judge_bounds(as_cases(per_net(last, gap, "system")), low=-CLOSE, high=CLOSE)


def combined_is_best_in_layer_one(tables: Tables) -> Judgement:
    """Trained nets, test split, layer 1: the combined system less the better of the other two."""
    first = need(tables, "layer_accuracy", TEST, TRAINED, pl.col("layer") == 1)
    is_combined = pl.col("system") == "combined"
    has_combined = is_combined.any().over([*axes_of(first), "seed"])
    nets = need(
        {"layer_accuracy": first}, "layer_accuracy", has_combined, what="networks with a combined system (ReLU)"
    )
    lead = pl.col("accuracy").filter(is_combined).first() - pl.col("accuracy").filter(~is_combined).max()
    return judge_sign(as_cases(per_net(nets, lead)))


def training_changes_deep_layers(tables: Tables) -> Judgement:
    """From the first snapshot to the kept net, test split: the first layer's change, and the last layer's less that."""
    systems = need(tables, "layer_accuracy", TEST, pl.col("depth") > 1, what="networks of more than one hidden layer")
    first = _first_snapshot(systems)
    if first is None:
        raise NotRun("it needs networks recorded during training: name epochs under training, snapshots")
    values = per_net(systems, pl.col("accuracy").first(), "state", "layer", "system")
    rise = change(values, "state", "trained", first)
    start = rise.filter(pl.col("layer") == 1).drop("layer").with_columns(pl.col("value").abs())
    return judge_all(
        [
            judge_bounds(as_cases(start), high=HARDLY),
            judge_sign(as_cases(last_less_first(rise))),
        ]
    )


def width_makes_the_continuous_system_lag(tables: Tables) -> Judgement:
    """Trained nets, test split: network less continuous system in the last layer; the widest less the narrowest nets."""
    last = in_last_layer(need(tables, "layer_accuracy", TEST, TRAINED, pl.col("system") == "continuous"))
    lag = per_net(last, (pl.col("network_accuracy") - pl.col("accuracy")).first())
    return judge_sign(as_cases(extremes(lag, "width")))


def _first_snapshot(systems: pl.DataFrame) -> str | None:
    epochs = [int(state.removeprefix("epoch-")) for state in systems["state"].unique() if state.startswith("epoch-")]
    return f"epoch-{min(epochs)}" if epochs else None


CLAIMS = (
    Claim(
        name="systems_agree_in_the_last_layer",
        place="figures 6.2-6.5",
        statement="In the last layers all systems agree.",
        statistic="test accuracy of the best system of the last layer less that of the worst",
        rule=BOUND_RULE.format(value="it", bound=f"at most {100 * CLOSE:g} point"),
        charts=("layer_accuracy",),
        judge=systems_agree_in_the_last_layer,
    ),
    Claim(
        name="last_layer_approaches_the_network",
        place="figures 6.2-6.5",
        statement="In the last layers the systems approach the network's accuracy.",
        statistic="test accuracy of a system of the last layer less that of the network",
        rule=BOUND_RULE.format(value="it", bound=f"within {100 * CLOSE:g} point of 0"),
        charts=("layer_accuracy",),
        judge=last_layer_approaches_the_network,
    ),
    Claim(
        name="combined_is_best_in_layer_one",
        place="figures 6.2-6.5",
        statement="The combined system is best in layer 1.",
        statistic="test accuracy of the combined system less that of the better of the other two",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("layer_accuracy",),
        judge=combined_is_best_in_layer_one,
    ),
    Claim(
        name="training_changes_deep_layers",
        place="figures 6.6, 6.7",
        statement="The accuracy of the first layer's systems hardly changes during training, while deep layers rise.",
        axes=("depth",),
        statistic="test accuracy of the kept net less that after the first snapshot: size of the first layer's change; and the "
        "last layer's rise less the first layer's",
        rule=BOUND_RULE.format(value="the first layer's change", bound=f"at most {100 * HARDLY:g} points")
        + " "
        + SIGN_RULE.format(value="the second difference")
        + " Both parts must hold.",
        charts=("learning_process",),
        judge=training_changes_deep_layers,
    ),
    Claim(
        name="width_makes_the_continuous_system_lag",
        place="figures 6.2-6.5, A.5",
        statement="In wide nets the continuous system lags behind.",
        axes=("width",),
        statistic="network less continuous system of the last layer, test accuracy: widest less narrowest nets",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("layer_accuracy",),
        judge=width_makes_the_continuous_system_lag,
    ),
)
