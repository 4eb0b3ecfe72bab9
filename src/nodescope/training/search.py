"""The learning-rate search: rounds of candidate rates, and the choice.

All candidate rates x seeds train together in one stack; the rate with the highest mean validation accuracy at the best
epoch wins. Each refinement round then tries best / f and best * f, with f = sqrt(10) in the first round and its square
root in each further one.

With ``search_epochs`` the candidates are trained for fewer epochs, and a last round trains the best rate for all.
"""

from collections.abc import Callable

import numpy as np

from nodescope.config.training import Training
from nodescope.training.rounds import Round
from nodescope.training.state import Replica


def search(
    seeds: list[int], training: Training, train_round: Callable[[int, list[Replica], Training], Round]
) -> tuple[list[Round], float]:
    """All rounds of the search, and the learning rate that won.

    Parameters
    ----------
    train_round
        Trains the replicas of a round, given its index (from 0), with these settings.
    """
    # Networks that are not trained have nothing to choose by.
    rates = training.learning_rates if training.epochs else training.learning_rates[:1]
    of_candidates = training.of_candidates()
    rounds = [train_round(0, _replicas(rates, seeds), of_candidates)]
    for index in range(1, training.refinement_rounds + 1 if training.epochs else 1):
        if rates := _refined_rates(rounds, factor=10 ** (0.5**index)):
            rounds.append(train_round(index, _replicas(rates, seeds), of_candidates))
    best = _best_rate(rounds)
    if of_candidates is not training:
        rounds.append(train_round(training.refinement_rounds + 1, _replicas([best], seeds), training))
    return rounds, best


def _replicas(rates: list[float], seeds: list[int]) -> list[Replica]:
    return [Replica(seed, rate) for rate in rates for seed in seeds]


def _refined_rates(rounds: list[Round], factor: float) -> list[float]:
    """The neighbours of the best rate that were not tried yet."""
    best = _best_rate(rounds)
    tried = [replica.learning_rate for finished in rounds for replica in finished.replicas]
    return [rate for rate in (best / factor, best * factor) if not np.isclose(rate, tried, rtol=1e-6, atol=0).any()]


def _best_rate(rounds: list[Round]) -> float:
    """The rate of the highest mean validation accuracy; of equals the one tried first."""
    means = {rate: mean for finished in rounds for rate, mean in finished.mean_accuracy().items()}
    return max(means, key=lambda rate: means[rate])
