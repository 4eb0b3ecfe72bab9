"""Patterns of files with placeholders: ``runs/{width}/seed-{seed}/epoch-{epoch}.pt``.

A placeholder stands for a part of the name of one file or folder. Some mean something everywhere; every other one is an
axis of the study. ``*`` stands for any text that is not used.
"""

import re
from collections.abc import Collection, Iterable

#: Placeholders that stand for whole numbers.
NUMBERED = ("seed", "epoch", "step")
#: Placeholders that are no axes. ``configuration`` stands in folders that nodescope itself wrote, ``ext`` is a suffix.
NO_AXES = (*NUMBERED, "state", "split", "layer", "ext", "configuration")
#: What an axis cannot be called: columns that tables have beside the axes, and those of recordings.
TAKEN = frozenset(
    {
        "accuracy", "activation_function", "active_share", "auc", "auc_avoided", "auc_avoided_class", "auc_preferred",
        "auc_preferred_class", "avoided_class", "balanced_accuracy", "bandwidth", "baseline", "baseline_value",
        "best", "best_epoch", "best_value", "bin_left", "bin_right", "change", "changes", "channel", "chosen",
        "cka", "class", "class_information_bits", "class_name", "class_share", "cluster", "clusters",
        "configuration", "count", "counts", "dataset", "dead", "dead_share", "density", "difference",
        "distinct", "distinct_share", "diverged_epoch", "dormant_centred_share", "dormant_share",
        "effective_rank", "effective_rank_scaled", "end", "entropy_bits", "entropy_given_class_bits",
        "entropy_miller_madow", "epoch", "epochs", "estimate", "evidence", "evidence_is", "fate", "first_kind",
        "flipped", "form", "found", "gained", "generalisation_gap", "hamming_final", "hamming_initial",
        "hamming_previous", "helps", "high", "image", "interval_high", "interval_low", "is_best",
        "jaccard_final", "jaccard_initial", "jaccard_previous", "kind", "kurtosis", "label", "largest_share",
        "last_kind", "layer", "layer_name", "learning_rate", "linear_redundancy", "loss", "loss_change", "lost",
        "low", "majority_share", "margin", "maximum", "mcnemar_p", "mean", "mean_squared_error", "median",
        "method", "minimum", "mode_share", "name", "nc1", "nc2_angles", "nc2_norms", "nc3", "nc4", "nearest",
        "nearest_correlation", "nearest_mean_accuracy", "nearest_size", "network_accuracy", "node", "nodes",
        "norm", "not_before", "objective", "off", "on", "on_share", "order", "orders", "other_configuration",
        "other_largest_share", "other_layer", "other_seed", "other_state", "oui", "p_corrected", "parameter",
        "parameters", "participation_ratio", "participation_ratio_debiased", "participation_ratio_scaled",
        "patterns", "penalty", "position", "positions", "precision", "predicted", "predictions",
        "preferred_class", "problem", "q1", "q3", "quantity", "rank", "rank_99", "rank_99_scaled", "rare",
        "recall", "recall_high", "recall_low", "redundant_share", "relative_entropy", "right", "round",
        "same_correlation", "sample", "sample_error", "samples", "samples_seen", "saturated_share",
        "second_class", "seed", "seed_error", "seeds", "selectivity_index", "selectivity_null", "share",
        "shuffled", "similar", "since", "singletons", "skew", "source", "sparsity", "split", "spread",
        "standard_error", "state", "states", "std", "step", "study", "switch_share", "system", "test_accuracy",
        "theta_change", "theta_distance", "theta_information", "threshold", "to", "top_precision",
        "train_accuracy", "validation_accuracy", "value", "variability_ratio", "verdict",
        "weighted_jaccard_final", "weighted_jaccard_initial", "weighted_jaccard_previous", "weights_file",
        "whisker_high", "whisker_low", "wrong", "wrong_in_all", "wrong_in_any", "x", "x_share", "y", "y_share",
        "z", "z_correlation", "zero_share",
    }
)  # fmt: skip

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def placeholders(pattern: str) -> tuple[str, ...]:
    """The names of the placeholders of a pattern, each once, in their order.

    >>> placeholders("runs/{width}/net-{width}-{seed}.pt")
    ('width', 'seed')
    """
    return tuple(dict.fromkeys(PLACEHOLDER.findall(pattern)))


def axes_in(pattern: str) -> tuple[str, ...]:
    """The placeholders of a pattern that are axes.

    >>> axes_in("runs/{width}/seed-{seed}/epoch-{epoch}.pt")
    ('width',)
    """
    return tuple(name for name in placeholders(pattern) if name not in NO_AXES)


def problem_with_pattern(pattern: str, *, allowed: Collection[str], required: Iterable[str] = ()) -> str | None:
    """What is wrong with a pattern, for people; None where nothing is.

    Parameters
    ----------
    pattern
    allowed
        Those of `NO_AXES` that it may have.
    required
        Those that it must have.
    """
    if re.search(r"[{}]", PLACEHOLDER.sub("", pattern)):
        return f"{pattern}: a '{{' or '}}' stands alone; placeholders are written as {{seed}}"
    names = placeholders(pattern)
    for name in names:
        if not _NAME.fullmatch(name):
            return f"{pattern}: {{{name}}} is not a placeholder; allowed: letters, digits and '_', such as {{width}}"
        if name in NO_AXES and name not in allowed:
            return f"{pattern}: {{{name}}} has no meaning here; allowed: {_listed(allowed)}, and axes of your own"
        if name not in NO_AXES and (problem := problem_with_axis(name)):
            return f"{pattern}: {problem}"
    missing = [name for name in required if name not in names]
    if missing:
        return f"{pattern}: {_listed(missing)} is required"
    if "state" in names and {"epoch", "step"} & {*names}:
        return f"{pattern}: {{state}} names states itself, so it cannot be used with {{epoch}} or {{step}}"
    return None


def problem_with_axis(name: str) -> str | None:
    """Why an axis cannot have a name, for people; None where it can.

    >>> problem_with_axis("mean")
    'an axis cannot be called mean, as tables have a column of that name. Hint: the_mean'
    """
    if not _NAME.fullmatch(name):
        return f"'{name}' is not the name of an axis; allowed: letters, digits and '_', such as width"
    if name in TAKEN or name in NO_AXES:
        return f"an axis cannot be called {name}, as tables have a column of that name. Hint: the_{name}"
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
