"""A training step as a CUDA graph."""

from collections.abc import Callable

import torch

Tensor = torch.Tensor


class CapturedStep:
    """A step as a CUDA graph: its kernels, too small to keep a GPU busy, are then launched as one.

    The first steps run one kernel after another, which also sets up what a capture needs. The step is captured for
    the size of the first batch; one of another size (an epoch's last) runs one kernel after another.
    """

    STEPS_BEFORE_CAPTURE = 3

    def __init__(self, step: Callable[[Tensor], None]) -> None:
        self._step = step
        self._steps_taken = 0
        self._samples: Tensor | None = None
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, samples_RB: Tensor) -> None:
        if self._samples is None:
            self._samples = samples_RB.clone()
        if samples_RB.shape != self._samples.shape or self._steps_taken < self.STEPS_BEFORE_CAPTURE:
            self._step_on_side_stream(samples_RB)
            return
        self._samples.copy_(samples_RB)
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._step(self._samples)
        self._graph.replay()

    def _step_on_side_stream(self, samples_RB: Tensor) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._step(samples_RB)
        torch.cuda.current_stream().wait_stream(stream)
        self._steps_taken += 1
