"""The main figures of several sizes, as printed lines and as CSV."""

import csv
import io

PRINTED_FARS = (1e-4, 1e-6)
FAMILIES = {"first_hundred_probes": "first100", "all_probes": "all"}


def summary_row(exact):
    """The main figures of the content of an ``exact_*.json`` as a flat dict; rates that are not resolvable are None."""
    rates = exact["identification"]["rate"]
    row = {
        "size": exact["size"],
        "set": exact["set"],
        "distractors": exact["distractors"],
        "mode": exact["mode"],
        **{f"rank_{rank}": rates[rank - 1] for rank in (1, 10, 100)},
    }
    for family, short in FAMILIES.items():
        for point in exact["verification"][family]:
            row[_column(short, point["far_target"])] = point["tar"] if point["resolvable"] else None
    resolvable = exact["verification"]["first_hundred_probes"][-1]["resolvable"]
    for side in ("low", "high"):
        row[f"devkit_roc_1e-6_{side}"] = exact["devkit_roc"][-1][side] if resolvable else None
    row["traditional_rank_1"] = exact["traditional_cmc"]["rate"][0]
    return row


def summary_csv(rows):
    """A line for each of the rows of `summary_row`, as bytes."""
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue().encode("ascii")


def summary_lines(rows):
    """Lines to print: a table and what its columns mean."""
    points = [(short, far) for far in PRINTED_FARS for short in FAMILIES.values()]
    lines = [["size", "set", "rank-1", "rank-10", *(f"{short}@{_short(far)}" for short, far in points)]]
    for row in rows:
        rates = (row[column] for column in ("rank_1", "rank_10", *(_column(*point) for point in points)))
        lines.append([str(row["size"]), str(row["set"]), *("-" if rate is None else f"{rate:.5f}" for rate in rates)])
    widths = [max(map(len, column)) for column in zip(*lines)]
    return [
        *("  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in lines),
        "@: true accept rate at a false accept rate, against the distractors of the first 100 probes, as in the "
        "devkit, and of all; -: too few to say",
    ]


def _column(short, far):
    return f"tar_{short}_{_short(far)}"


def _short(far):
    return f"{far:.0e}".replace("e-0", "e-")
