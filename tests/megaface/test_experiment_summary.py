"""The table and the CSV."""

from insightrec.megaface.experiment_summary import summary_csv, summary_lines, summary_row


def exact():
    fars = (1e-3, 1e-4, 1e-5, 1e-6)
    points = [{"far_target": far, "tar": round(0.9 - far, 5), "resolvable": far > 1e-6} for far in fars]
    rates = [1 - 0.5 / rank for rank in range(1, 101)]
    return {
        "size": 1000,
        "set": 1,
        "distractors": 993,
        "mode": "exact",
        "identification": {"rate": rates},
        "verification": {"first_hundred_probes": points, "all_probes": [{**point, "tar": 0.25} for point in points]},
        "devkit_roc": [{"far_target": far, "low": 0.88, "high": 0.89} for far in fars],
        "traditional_cmc": {"rate": [0.75] * 100},
    }


def test_csv():
    header, row = summary_csv([summary_row(exact())]).decode().splitlines()
    assert dict(zip(header.split(","), row.split(","))) == {
        "size": "1000",
        "set": "1",
        "distractors": "993",
        "mode": "exact",
        "rank_1": "0.5",
        "rank_10": "0.95",
        "rank_100": "0.995",
        "tar_first100_1e-3": "0.899",
        "tar_first100_1e-4": "0.8999",
        "tar_first100_1e-5": "0.89999",
        "tar_first100_1e-6": "",
        "tar_all_1e-3": "0.25",
        "tar_all_1e-4": "0.25",
        "tar_all_1e-5": "0.25",
        "tar_all_1e-6": "",
        "devkit_roc_1e-6_low": "",
        "devkit_roc_1e-6_high": "",
        "traditional_rank_1": "0.75",
    }


def test_the_devkits_bracket_stands_where_the_rate_is_resolvable():
    content = exact()
    content["verification"]["first_hundred_probes"][-1]["resolvable"] = True
    row = summary_row(content)
    assert (row["tar_first100_1e-6"], row["devkit_roc_1e-6_low"], row["devkit_roc_1e-6_high"]) == (0.9, 0.88, 0.89)


def test_table():
    titles, first, second, _ = summary_lines([summary_row(exact()), {**summary_row(exact()), "size": 10}])
    assert titles.split() == [
        "size",
        "set",
        "rank-1",
        "rank-10",
        "first100@1e-4",
        "all@1e-4",
        "first100@1e-6",
        "all@1e-6",
    ]
    assert first.split() == ["1000", "1", "0.50000", "0.95000", "0.89990", "0.25000", "-", "-"]
    assert second.startswith("  10    1  ")
