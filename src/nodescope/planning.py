"""How much there is to do: networks, jobs, memory, disk and time, before anything runs."""

from nodescope.config import Config, Study


def keeps_activations(config: Config, study: Study) -> bool:
    return True
