"""How much of the margin is applied at a step: none at first, then growing to all of it.

Small networks and small batches stall when they begin with the full margin: no class is ever right.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class MarginWarmup:
    """``free_steps`` steps without a margin, then ``growing_steps`` over which it grows linearly to its full size."""

    free_steps: int = 0
    growing_steps: int = 0

    def share(self, step):
        """Share of the margin at a step, counted from 1: 0 to 1."""
        if step <= self.free_steps:
            return 0.0
        return min(1.0, (step - self.free_steps) / self.growing_steps) if self.growing_steps else 1.0
