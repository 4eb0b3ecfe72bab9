"""What jobs took, as Snakemake's ``benchmark`` records it, written by the job itself.

Snakemake measures the process that it starts, which may hand its work to another one (`nodescope.jobs.warm`).
"""

import os
import resource
from contextlib import suppress

from nodescope.storage.files import atomic_path
from nodescope.study.layout import record_path

#: seconds, the largest resident memory in MB, and seconds of processor time.
COLUMNS = ("s", "max_rss", "cpu_time")


def write_record(log_path: str, seconds: float) -> None:
    """Write what this process took, where the job with that log has its record."""
    path = record_path(log_path)
    if path is None:
        return
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    times = os.times()
    values = (seconds, max(own.ru_maxrss, children.ru_maxrss) / 1024, sum(times[:4]))
    with suppress(OSError), atomic_path(path) as temporary:  # of a full disk other messages say more
        row = "\t".join(f"{value:.4f}" for value in values)
        temporary.write_text("\t".join(COLUMNS) + "\n" + row + "\n", encoding="utf-8")
