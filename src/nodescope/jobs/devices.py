"""Which GPUs there are, and one of them for each job. Imports no PyTorch: Snakemake asks too.

Snakemake counts GPUs (resource ``gpu``) but does not say which one a job may use. Jobs of one machine agree by a
lock file per GPU, which the system releases when a job ends, however it ends. On a cluster the scheduler has set
``CUDA_VISIBLE_DEVICES``; the jobs then choose among what it names.
"""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodescope.messages.errors import NodescopeError

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_TRIES = 2.0


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, by the names that ``CUDA_VISIBLE_DEVICES`` knows; empty without one."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
    found = sorted(int(path.name.removeprefix("nvidia")) for path in Path("/dev").glob("nvidia[0-9]*"))
    return [str(index) for index in found]


@contextmanager
def training_device(wanted: str) -> Iterator[str]:
    """The device to train on: ``cpu``, or ``cuda`` with one GPU held by this process alone.

    Parameters
    ----------
    wanted : {'auto', 'cpu', 'cuda'}
        ``auto`` takes a GPU where there is one.

    Raises
    ------
    NodescopeError
        If ``cuda`` is wanted and there is no GPU, or PyTorch cannot use it.
    """
    gpus = visible_gpus() if wanted != "cpu" else []
    if not gpus:
        if wanted == "cuda":
            raise NodescopeError(
                "device is 'cuda' in the configuration, but no GPU is available. Hint: set device to auto or cpu."
            )
        yield "cpu"
        return
    with _one_of(gpus) as gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before PyTorch looks
        import torch

        if torch.cuda.is_available():
            yield "cuda"
        elif wanted == "cuda":
            raise NodescopeError(
                f"device is 'cuda' in the configuration, but PyTorch {torch.__version__} cannot use the GPU {gpu}. "
                "Hint: check that the GPU driver supports PyTorch's CUDA version, or set device to cpu."
            )
        else:
            yield "cpu"


@contextmanager
def _one_of(gpus: list[str]) -> Iterator[str]:
    """Hold a GPU that no other job holds; wait for one if need be."""
    waiting = False
    while True:
        for gpu in gpus:
            path = Path(tempfile.gettempdir()) / f"nodescope-{os.getuid()}-gpu-{gpu.replace('/', '-')}.lock"
            with path.open("a") as stream:  # never truncated: the folder is everybody's
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield gpu
                return
        if not waiting:
            logger.info("waiting for a free GPU (%s are in use by other jobs)", ", ".join(gpus))
            waiting = True
        time.sleep(SECONDS_BETWEEN_TRIES)
