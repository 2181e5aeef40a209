"""Probes that distractors beat, with those distractors, as a page to look at."""

from typing import NamedTuple

from insightrec.recordio_tools.contact_sheet import Picture, Section, contact_sheet

MOST_SHOWN = 100  # probes on a page, of seven pictures each


class FailedProbe(NamedTuple):
    """A probe of which some mate is not found first.

    probe: its number. worst_rank: distractors ahead of its worst mate. worst_mate: that image's number.
    failed, mates: how many mates are not found first, of how many.
    """

    probe: int
    worst_rank: int
    worst_mate: int
    failed: int
    mates: int


def failed_probes(matches):
    """List of `FailedProbe`, worst first, of the content of a ``matches_*.json``."""
    ranks = [[] for _ in matches]
    for mate, entry in enumerate(matches):
        if entry["probes"] is not None:
            # an entry's ranks are those in the rows of the other images, whose mate this one is
            for probe, rank in zip(entry["probes"]["idx"], entry["probes"]["rank"]):
                ranks[probe].append((rank, mate))
    found = []
    for probe, of_mates in enumerate(ranks):
        failed = sum(rank > 0 for rank, _ in of_mates)
        if failed:
            found.append(FailedProbe(probe, *max(of_mates, key=lambda pair: pair[0]), failed, len(of_mates)))
    return sorted(found, key=lambda probe: (-probe.worst_rank, -probe.failed, probe.probe))


def failed_page(matches, probe_paths, distractor_paths, title, probe_picture, distractor_picture):
    """The page: each failed probe, its worst mate and its best distractors, worst probes first, as bytes.

    Args:
        matches: content of a ``matches_*.json``.
        probe_paths, distractor_paths: lists of str, of the images by number.
        title: of the page.
        probe_picture, distractor_picture: functions path -> an image, as `Picture` has it.
    """
    failed = failed_probes(matches)
    groups = []
    for each in failed[:MOST_SHOWN]:
        probe, mate = probe_paths[each.probe], probe_paths[each.worst_mate]
        group = [
            Picture(probe_picture(probe), f"probe {probe}\n{each.failed} of {each.mates} mates not first"),
            Picture(probe_picture(mate), f"mate {mate}\n{each.worst_rank} distractors ahead"),
        ]
        best = matches[each.probe]["distractors"]
        for column, score in zip(best["idx"], best["score"]):
            path = distractor_paths[column]
            group.append(Picture(distractor_picture(path), f"{score:.3f} {path}"))
        groups.append(group)
    note = (
        f"{len(failed)} of {len(matches)} probes have a mate that some distractor beats; the {len(groups)} worst are "
        "shown. Left the probe and its worst mate, then its best distractors with their scores (negative squared L2)."
    )
    pictures = [picture for group in groups for picture in group]
    if absent := sum(picture.image is None for picture in pictures):
        note += f"\n{absent} of {len(pictures)} pictures were not found or cannot be read."
    return contact_sheet(title, note, [Section("Failed probes", "", groups)])
