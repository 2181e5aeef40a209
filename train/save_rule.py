"""Which evaluations are worth a checkpoint, and under which number: ``--ckpt``."""

from dataclasses import dataclass
from typing import Optional

NEVER, IMPROVED, ALWAYS, IMPROVED_AS_ONE = range(4)  # the numbers of --ckpt
ONLY_INDEX = 1  # of IMPROVED_AS_ONE


@dataclass
class SaveRule:
    """Decides after every evaluation. A checkpoint's number is the count of evaluations so far.

    Rule 1 is InsightFace's of late 2018: save where the last pack's accuracy is above the best so far, or equals it
    while the sum over all packs is no lower than at that best. The earlier rule also asked for 0.998 (or 0.99) on the
    first pack; it is not taken, since on small sets it never saves anything. Without packs there is nothing to
    compare, and every evaluation point is saved (upstream then never saved).

    Args:
        ckpt: 0 never, 1 where the verification improved, 2 always, 3 as 1 but always under number 1.

    Attributes:
        evaluations: how many there were.
        highest: best accuracy of the last pack so far, None before the first; what ``Accuracy-Highest`` prints.
    """

    ckpt: int
    evaluations: int = 0
    highest: Optional[float] = None
    highest_sum: Optional[float] = None  # over all packs, at the evaluation that `highest` is of

    def evaluated(self, accuracies):
        """Count an evaluation; return the number to save its model under, or None for not at all.

        Args:
            accuracies: accuracy of each pack, 0..1, in the order of ``--target``; empty where there is no pack.
        """
        self.evaluations += 1
        improved = self._improved(accuracies)
        if self.ckpt == NEVER or (self.ckpt != ALWAYS and not improved):
            return None
        return ONLY_INDEX if self.ckpt == IMPROVED_AS_ONE else self.evaluations

    def closing_index(self, *, at_evaluation):
        """The number for the checkpoint at the end of a run or on interruption, whatever the rule.

        It never replaces the model of an earlier evaluation: between evaluations it is the next one's number.

        Args:
            at_evaluation: whether the last evaluation counted was of this very step.
        """
        return self.evaluations if at_evaluation else self.evaluations + 1

    def state(self):
        """What `load_state` needs to go on exactly; of JSON types."""
        return {"evaluations": self.evaluations, "highest": self.highest, "highest_sum": self.highest_sum}

    def load_state(self, state):
        """Go on from `state` of an earlier run; ``ckpt`` may differ."""
        self.evaluations = state["evaluations"]
        self.highest = state["highest"]
        self.highest_sum = state["highest_sum"]

    def _improved(self, accuracies):
        if not accuracies:
            return True
        figures = (accuracies[-1], sum(accuracies))
        if self.highest is not None and figures < (self.highest, self.highest_sum):
            return False
        self.highest, self.highest_sum = figures
        return True
