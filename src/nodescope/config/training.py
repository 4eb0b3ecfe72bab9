"""Section ``training``: how the networks of a study are trained."""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
)

from nodescope.config.fields import (
    MAYBE_IN_QUOTES,
    NO_BOOLEAN,
    Count,
    Distinct,
    Epochs,
    NotNegative,
    PositiveNumber,
    Section,
)

#: Of optimisers that have one; PyTorch's is 0 for both, but no one descends without.
DEFAULT_MOMENTUM = {"sgd": 0.9}

#: Settings that only some optimisers have, and which.
SETTINGS_OF_OPTIMISERS = {
    "momentum": ("sgd", "rmsprop"),
    "rmsprop_alpha": ("rmsprop",),
    "optimiser_epsilon": ("adam", "rmsprop"),
}


def state_after_step(step: int) -> str:
    """The state of a network after so many optimisation steps."""
    return f"step-{step}"


def state_after_epoch(epoch: int) -> str:
    """The state of a network after so many epochs."""
    return f"epoch-{epoch}"


class Training(Section):
    """How every network of the study is trained."""

    epochs: Epochs = Field(
        300,
        description="number of epochs; 0 studies untrained networks. Until the end of training, batch normalisation "
        "in recorded networks uses the mean and variance of all training samples",
    )
    keep: Literal["best", "last"] = Field(
        "best",
        description="parameters of the state 'trained': those of the epoch with the best validation accuracy, or of "
        "the last epoch",
    )
    ties: Literal["first", "last"] = Field(
        "first", description="which epoch is kept if several have the best validation accuracy"
    )
    loss: Literal["cross_entropy", "mean_squared_error"] = Field(
        "cross_entropy",
        description="loss function: cross_entropy (of the softmax of the outputs), or mean_squared_error (of the "
        "outputs against 1 for a sample's class and 0 for the others, mean over samples and classes); tables show "
        "both",
    )
    batch_size: Count | Literal["all"] = Field(
        64, description="samples per step, reshuffled in every epoch; all: the whole training set, one step per epoch"
    )
    learning_rates: Annotated[list[PositiveNumber], Field(min_length=1), Distinct] = Field(
        [0.01, 0.001, 0.0001],
        description="candidate learning rates, each trained with every seed; the best mean validation accuracy is "
        "selected",
    )
    refinement_rounds: Annotated[int, Field(strict=True, ge=0, le=5), MAYBE_IN_QUOTES] = Field(
        1,
        description="additional search rounds that try best/sqrt(10) and best*sqrt(10), then ever closer values; 0 "
        "disables them",
    )
    search_epochs: Count | None = Field(
        None,
        description="epochs for which the candidates of the search are trained, with the schedule of the learning rate "
        "run through in these; the selected rate is then trained for all epochs. Default: all epochs for all candidates",
    )
    schedule: Literal["exponential", "multi_step", "cyclic", "one_cycle"] = Field(
        "exponential",
        description="learning rate schedule: exponential (a factor after each epoch), multi_step (a factor after "
        "each milestone), cyclic (up from a tenth to the rate and down again), one_cycle (up over the first 30 % of "
        "the steps, then down to zero)",
    )
    learning_rate_decay: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        0.99, description="factor applied to the learning rate after each epoch, or each milestone (multi_step)"
    )
    milestones: Annotated[list[Count], Distinct] = Field(
        [], description="epochs after which multi_step decays the learning rate"
    )
    cycle_epochs: Annotated[int, Field(strict=True, ge=2), MAYBE_IN_QUOTES] = Field(
        10, description="epochs per cycle of cyclic"
    )
    optimiser: Literal["adam", "rmsprop", "sgd"] = Field(
        "adam", description="Adam, RMSProp, or stochastic gradient descent, as implemented in PyTorch"
    )
    momentum: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] | None = Field(
        None, description="momentum of sgd (default: 0.9) and rmsprop (default: 0)"
    )
    rmsprop_alpha: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] = Field(
        0.99, description="smoothing constant of rmsprop's running mean of squared gradients"
    )
    optimiser_epsilon: PositiveNumber = Field(
        1e-8, description="added to the denominator of adam and rmsprop for numerical stability"
    )
    weight_decay: NotNegative = Field(
        0.0, description="L2 penalty: added to the gradient as this factor times the parameter"
    )
    l1: NotNegative = Field(
        0.0, description="L1 penalty: factor of the sum of the absolute weights that is added to the loss"
    )
    gradient_clip: PositiveNumber | None = Field(
        None, description="maximum norm of the gradient of a network; larger gradients are scaled down"
    )
    augmentation: Literal["none", "flip_crop"] = Field(
        "none", description="flip_crop: random horizontal flips and shifts of training images by up to 4 pixels"
    )
    evaluation_samples: Count | None = Field(
        None, description="number of training samples for the training loss and accuracy after each epoch; default: all"
    )
    snapshots: Annotated[list[Count], Distinct] = Field(
        [], description="epochs after which the network is also recorded (states epoch-N)"
    )
    snapshot_steps: Annotated[list[Count], Distinct] = Field(
        [], description="optimisation steps after which the network is also recorded (states step-N)"
    )

    def of_candidates(self) -> "Training":
        """How the candidates of the learning-rate search are trained; this object where that is no shorter.

        The rate falls as far as in a full training, so that candidates are compared at the end of their schedule:
        early in training higher rates look better than they turn out to be.
        """
        has_search = len(self.learning_rates) > 1 or self.refinement_rounds > 0
        if not has_search or self.search_epochs is None or self.search_epochs >= self.epochs:
            return self
        pace = self.epochs / self.search_epochs
        changes: dict[str, Any] = {"epochs": self.search_epochs, "snapshots": [], "snapshot_steps": []}
        if self.schedule == "exponential":
            changes["learning_rate_decay"] = self.learning_rate_decay**pace
        elif self.schedule == "multi_step":
            changes["milestones"] = [max(1, round(epoch / pace)) for epoch in self.milestones]
        elif self.schedule == "cyclic":
            changes["cycle_epochs"] = max(2, round(self.cycle_epochs / pace))
        return self.model_copy(update=changes)

    def states(self) -> list[str]:
        """The states of a network that are kept, in the order of training, the trained one last.

        Snapshots by step stand before those by epoch: they are for the first moments of training.
        """
        if not self.epochs:
            return ["initial"]
        steps = [state_after_step(step) for step in sorted(self.snapshot_steps)]
        epochs = [state_after_epoch(epoch) for epoch in sorted(self.snapshots)]
        return ["initial", *steps, *epochs, "trained"]

    def samples_per_step(self, n_train: int) -> int:
        """Of so many training samples; an epoch's last step may have fewer."""
        return n_train if self.batch_size == "all" else self.batch_size

    def momentum_of_optimiser(self) -> float:
        """The momentum, or the optimiser's own default."""
        return DEFAULT_MOMENTUM.get(self.optimiser, 0.0) if self.momentum is None else self.momentum
