"""The devkit's matches file: for each probe its best distractors, and where each of its mates ranks."""


def match_table(probe_set, ranks, top):
    """One entry for each probe, in list order, as the file has them.

    ``distractors``: ``idx``, columns, and ``score`` of the five best (fewer if there are fewer distractors).
    ``probes``: ``idx``, the other images of the person, and ``rank``: for image i, how many of *image i's* distractors
    beat the pair; None for a person with one image.

    Args:
        probe_set: `ProbeSet`.
        ranks: (P,), of its ordered pairs.
        top: `TopDistractors`.
    """
    columns, scores = top.columns.tolist(), top.scores.tolist()
    mates = probe_set.second.tolist()
    ranks = ranks[probe_set.pair_index(probe_set.second, probe_set.first)].tolist()
    table = []
    for probe in range(len(probe_set)):
        found = sum(column >= 0 for column in columns[probe])
        pairs = probe_set.pairs_of(probe)
        table.append(
            {
                "distractors": {"idx": columns[probe][:found], "score": scores[probe][:found]},
                "probes": {"idx": mates[pairs], "rank": ranks[pairs]} if mates[pairs] else None,
            }
        )
    return table
