"""Section ``training``: how the networks of a study are trained."""

from typing import Annotated, Literal

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
        description="passes over the training data; 0 looks at networks as they are initialised, "
        "batch normalisation by the mean and variance of all training samples, as wherever a network is looked at before "
        "its training has ended",
    )
    keep: Literal["best", "last"] = Field(
        "best",
        description="the parameters that the state 'trained' has: of the epoch with the best validation accuracy, or "
        "of the last epoch",
    )
    ties: Literal["first", "last"] = Field(
        "first", description="which of several epochs with the best validation accuracy is the best"
    )
    loss: Literal["cross_entropy", "mean_squared_error"] = Field(
        "cross_entropy",
        description="what is made small: cross_entropy (of the softmax of the outputs), or mean_squared_error (of the "
        "outputs against 1 for a sample's class and 0 for the others, mean over samples and classes); tables show both",
    )
    batch_size: Count | Literal["all"] = Field(
        64, description="samples per step, reshuffled each epoch; all: every training sample, one step per epoch"
    )
    learning_rates: Annotated[list[PositiveNumber], Field(min_length=1), Distinct] = Field(
        [0.01, 0.001, 0.0001],
        description="candidates, each tried with every seed; the best mean validation accuracy wins",
    )
    refinement_rounds: Annotated[int, Field(strict=True, ge=0, le=5), MAYBE_IN_QUOTES] = Field(
        1, description="further rounds of search that try best/sqrt(10) and best*sqrt(10), then ever closer; 0 for none"
    )
    schedule: Literal["exponential", "multi_step", "cyclic", "one_cycle"] = Field(
        "exponential",
        description="of the learning rate: exponential (a factor after each epoch), multi_step (a factor after each "
        "milestone), cyclic (up from a tenth to the rate and down again), one_cycle (up over the first 30 % of the "
        "steps, then down to nothing)",
    )
    learning_rate_decay: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        0.99, description="factor on the learning rate after each epoch, or milestone (multi_step)"
    )
    milestones: Annotated[list[Count], Distinct] = Field([], description="epochs after which multi_step decays")
    cycle_epochs: Annotated[int, Field(strict=True, ge=2), MAYBE_IN_QUOTES] = Field(
        10, description="length of one cycle of cyclic"
    )
    optimiser: Literal["adam", "rmsprop", "sgd"] = Field(
        "adam", description="Adam, RMSProp, or stochastic gradient descent, each as PyTorch has it"
    )
    momentum: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] | None = Field(
        None, description="of sgd (left out: 0.9) and of rmsprop (left out: 0)"
    )
    rmsprop_alpha: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] = Field(
        0.99, description="share of the running mean of squared gradients that rmsprop keeps at each step"
    )
    optimiser_epsilon: PositiveNumber = Field(
        1e-8, description="added to the root of the mean of squared gradients, by which adam and rmsprop divide"
    )
    weight_decay: NotNegative = Field(0.0, description="L2: this times the parameter is added to its gradient")
    l1: NotNegative = Field(0.0, description="this times the sum of the absolute weights is added to the loss")
    gradient_clip: PositiveNumber | None = Field(
        None, description="largest norm of a network's gradient; a larger one is scaled down to it"
    )
    augmentation: Literal["none", "flip_crop"] = Field(
        "none", description="flip_crop: training images are mirrored at random and moved by up to 4 pixels"
    )
    evaluation_samples: Count | None = Field(
        None, description="training samples whose loss and accuracy are measured after each epoch; left out: all"
    )
    snapshots: Annotated[list[Count], Distinct] = Field(
        [], description="epochs after which the network is recorded too (states epoch-N), to see it learn"
    )
    snapshot_steps: Annotated[list[Count], Distinct] = Field(
        [], description="optimisation steps after which the network is recorded too (states step-N)"
    )

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
