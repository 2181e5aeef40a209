"""What a timing was taken on."""

import platform
import sys
from pathlib import Path


def processor_name():
    """The name of the processor, as the system gives it."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
