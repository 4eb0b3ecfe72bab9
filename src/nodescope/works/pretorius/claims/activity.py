"""Claims on which nodes are on (Pretorius 2020, chapter 5)."""

import polars as pl

from nodescope.works.cases import Tables, as_cases, difference, extremes, in_last_layer, last_less_first, need, per_net
from nodescope.works.claim import Claim
from nodescope.works.judging import BOUND_RULE, SIGN_RULE, Judgement, judge_bounds, judge_sign

TRAIN = pl.col("split") == "train"
UNTRAINED = pl.col("state") == "initial"
TRAINED = pl.col("state") == "trained"

#: A node is mid-range for a class where it is on for a share of the class's samples between these.
MID_RANGE = (0.1, 0.9)
MID_RANGE_WORDS = tuple(f"{100 * share:g} %" for share in MID_RANGE)
#: "Near 50 %".
NEAR_HALF = (0.45, 0.55)

MID_RANGE_SHARE = pl.col("active_share").is_between(*MID_RANGE).mean()


def early_layers_are_mid_range(tables: Tables) -> Judgement:
    """Trained nets: mid-range share of the first layer less that of the last."""
    activity = need(tables, "activity", TRAIN, TRAINED)
    fall = last_less_first(per_net(activity, MID_RANGE_SHARE, "layer")).with_columns(-pl.col("value"))
    return judge_sign(as_cases(fall))


def untrained_deep_sigmoid_is_all_or_nothing(tables: Tables) -> Judgement:
    """Untrained sigmoid nets without BN: share of node-class pairs of the last layer outside the mid range, less 1/2."""
    activity = need(
        tables, "activity",
        TRAIN, UNTRAINED, pl.col("activation") == "sigmoid", ~pl.col("batch_norm"), pl.col("depth") > 1,
        what="deep sigmoid networks without batch normalisation",
    )  # fmt: skip
    return judge_sign(as_cases(per_net(in_last_layer(activity), 0.5 - MID_RANGE_SHARE, "layer")))


def deeper_nets_have_more_dead_nodes(tables: Tables) -> Judgement:
    """Trained nets: share of dead nodes of the deepest less that of the shallowest."""
    dead = need(tables, "dead_nodes", TRAIN, TRAINED)
    share = per_net(dead, _null_where_any_is(pl.col("dead"), pl.col("dead").sum() / pl.col("nodes").sum()))
    return judge_sign(as_cases(extremes(share, "depth")))


def later_layers_have_more_dead_nodes(tables: Tables) -> Judgement:
    """Trained nets: share of dead nodes of the last layer less that of the first."""
    dead = need(tables, "dead_nodes", TRAIN, TRAINED)
    return judge_sign(as_cases(last_less_first(per_net(dead, pl.col("dead_share").first(), "layer"))))


def batch_norm_lowers_sparsity(tables: Tables) -> Judgement:
    """Trained nets: sparsity, averaged over the layers, without BN less with BN."""
    return judge_sign(as_cases(difference(_sparsity_of_nets(tables), "batch_norm", False, True)))


def relu_is_sparser(tables: Tables) -> Judgement:
    """Trained nets: sparsity, averaged over the layers, of ReLU less that of sigmoid."""
    return judge_sign(as_cases(difference(_sparsity_of_nets(tables), "activation", "relu", "sigmoid")))


def untrained_relu_is_half_off(tables: Tables) -> Judgement:
    """Untrained ReLU nets: sparsity of each layer."""
    sparsity = need(
        tables,
        "sparsity",
        TRAIN,
        UNTRAINED,
        pl.col("activation") == "relu",
        ~pl.col("batch_norm"),
        what="ReLU networks",
    )
    low, high = NEAR_HALF
    return judge_bounds(as_cases(per_net(sparsity, pl.col("sparsity").first(), "layer")), low=low, high=high)


def _sparsity_of_nets(tables: Tables) -> pl.DataFrame:
    sparsity = need(tables, "sparsity", TRAIN, TRAINED)
    return per_net(sparsity, pl.col("sparsity").mean())


def _null_where_any_is(column: pl.Expr, value: pl.Expr) -> pl.Expr:
    return pl.when(column.is_not_null().all()).then(value)


CLAIMS = (
    Claim(
        name="early_layers_are_mid_range",
        place="figures 5.1-5.9",
        statement="Early layers have more mid-range activity than late ones.",
        statistic=f"share of node-class pairs that are on for {MID_RANGE_WORDS[0]} to {MID_RANGE_WORDS[1]} of the samples, "
        "trained nets: first layer less last",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("activity", "activity_heatmaps"),
        judge=early_layers_are_mid_range,
    ),
    Claim(
        name="untrained_deep_sigmoid_is_all_or_nothing",
        place="figures 5.1-5.5",
        statement="Deep layers of untrained sigmoid nets are all-or-nothing: a node is on for nearly all samples or for none.",
        axes=("depth", "activation", "batch_norm"),
        statistic=f"share of node-class pairs of the last layer that are on for fewer than {MID_RANGE_WORDS[0]} or more than "
        f"{MID_RANGE_WORDS[1]} of the samples, less one half",
        rule=SIGN_RULE.format(value="the share less one half"),
        charts=("activity", "activity_heatmaps"),
        judge=untrained_deep_sigmoid_is_all_or_nothing,
    ),
    Claim(
        name="deeper_nets_have_more_dead_nodes",
        place="table 5.1",
        statement="Deeper nets have more dead nodes.",
        axes=("depth",),
        statistic="share of dead nodes, deepest less shallowest nets",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("dead_nodes",),
        judge=deeper_nets_have_more_dead_nodes,
    ),
    Claim(
        name="later_layers_have_more_dead_nodes",
        place="figures 5.6-5.9",
        statement="Later layers have more dead nodes.",
        statistic="share of dead nodes, last layer less first",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("dead_nodes", "activity_heatmaps"),
        judge=later_layers_have_more_dead_nodes,
    ),
    Claim(
        name="batch_norm_lowers_sparsity",
        place="table 5.2",
        statement="Batch normalisation lowers sparsity.",
        axes=("batch_norm",),
        statistic="sparsity averaged over the layers, without BN less with BN",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("sparsity",),
        judge=batch_norm_lowers_sparsity,
    ),
    Claim(
        name="relu_is_sparser",
        place="table 5.2",
        statement="ReLU nets are sparser than sigmoid nets.",
        axes=("activation",),
        statistic="sparsity averaged over the layers, ReLU less sigmoid",
        rule=SIGN_RULE.format(value="the difference"),
        charts=("sparsity",),
        judge=relu_is_sparser,
    ),
    Claim(
        name="untrained_relu_is_half_off",
        place="chapter 5",
        statement="The sparsity of untrained ReLU nets is near 50 %.",
        axes=("activation", "batch_norm"),
        statistic="sparsity of each layer of the untrained nets",
        rule=BOUND_RULE.format(value="it", bound=f"between {100 * NEAR_HALF[0]:g} % and {100 * NEAR_HALF[1]:g} %"),
        charts=("sparsity",),
        judge=untrained_relu_is_half_off,
    ),
)
