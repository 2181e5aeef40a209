"""The names of an experiment's files, as the devkit's run_experiment.py gives them."""

import glob
import re
from pathlib import Path
from typing import NamedTuple

OTHER_FILES = "otherFiles"


class ExperimentNames(NamedTuple):
    """Where the files of one size and one set of distractors are.

    out_root: pathlib.Path. probe, distractor: the first words of the lists' names. algorithm: of the features' ending.
    """

    out_root: Path
    probe: str
    distractor: str
    algorithm: str
    size: int
    set_number: int

    def result(self, kind, ending="json"):
        """``out_root/<kind>_<probe>_<distractor>_<algorithm>_<size>_<set>.<ending>``."""
        return self.out_root / f"{kind}_{self.pair}_{self.size}_{self.set_number}.{ending}"

    def other(self, name):
        """A file that is not a result."""
        return self.out_root / OTHER_FILES / name

    @property
    def pair(self):
        """What the results of all sizes have in their names."""
        return f"{self.probe}_{self.distractor}_{self.algorithm}"

    @property
    def summary(self):
        """The main figures of all sizes of a run."""
        return self.out_root / f"results_{self.pair}.csv"

    @property
    def title(self):
        """For people."""
        return f"{self.probe}, {self.size} {self.distractor}, set {self.set_number}"

    @property
    def probe_list(self):
        """The probes' list with the paths of their features."""
        return self.other(f"{self.probe}_features_{self.algorithm}")

    @property
    def distractor_list(self):
        """The distractors' list with the paths of their features."""
        return self.other(f"{self.distractor}_features_{self.algorithm}_{self.size}_{self.set_number}")

    @property
    def probe_scores(self):
        """The scores of probes and probes."""
        return self.other(f"{self.probe}_{self.probe}_{self.algorithm}.bin")

    @property
    def distractor_scores(self):
        """The scores of probes and distractors."""
        return self.other(f"{self.pair}_{self.size}_{self.set_number}.bin")

    @property
    def checkpoint(self):
        """What an unfinished run has counted."""
        return self.other(f"unfinished_{self.pair}_{self.size}_{self.set_number}.npz")

    @property
    def record(self):
        """What a finished run was made from and has written."""
        return self.other(f"finished_{self.pair}_{self.size}_{self.set_number}.json")

    @property
    def results(self):
        """The result files."""
        return [self.result("matches"), self.result("cmc"), self.result("curves", "png"), self.result("exact")]

    @property
    def page(self):
        """The page of the failed probes."""
        return self.result("failed", "html")

    @property
    def all_files(self):
        """Every file that says something of this size and set; the record first: without it nothing is finished."""
        return [self.record, *self.results, self.page, self.distractor_scores, self.checkpoint]

    def finished_sizes(self):
        """The names of all sizes and sets of these lists that have a record, ascending."""
        start = f"finished_{self.pair}_"
        numbers = []
        for path in self.record.parent.glob(f"{glob.escape(start)}*.json"):
            if found := re.fullmatch(r"(\d{1,18})_(\d{1,18})", path.stem[len(start) :], re.ASCII):
                numbers.append((int(found[1]), int(found[2])))
        return [self._replace(size=size, set_number=number) for size, number in sorted(numbers)]


def algorithm_name(file_ending):
    """``_insightface.bin`` -> ``insightface``."""
    return file_ending.split(".")[0].strip("_")


def first_word(list_path):
    """``.../facescrub_features_list.json`` -> ``facescrub``."""
    return Path(list_path).name.split("_")[0]
