"""What computations on networks hold at a time, for those who compute and those who estimate what it takes."""

#: What the activations of all training samples may take for them to settle batch normalisation as one batch; see
#: `nodescope.networks.normalisation`.
BATCH_BYTES = {"cpu": 1 << 29, "cuda": 1 << 33}

#: Tensors as large as the largest that are in memory at a time in a pass without gradients: with a shortcut, and while one
#: is turned into another.
HELD_AT_A_TIME = 4
