"""How many cores there are for this process."""

import os


def usable_cores():
    """Cores that this process may use, where the system says it; else all there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
