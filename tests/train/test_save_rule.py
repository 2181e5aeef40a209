import json

import pytest

from insightrec.train.save_rule import SaveRule


def upstreams_saves(lists):
    """InsightFace's rule of late 2018 for evaluations' accuracies: which are saved, the best sum kept current."""
    highest, highest_sum, saves = 0.0, 0.0, []
    for accuracies in lists:
        better = accuracies[-1] > highest
        tie = accuracies[-1] == highest and sum(accuracies) >= highest_sum
        if better or tie:
            highest, highest_sum = accuracies[-1], sum(accuracies)
        saves.append(better or tie)
    return saves


EVALUATIONS = [
    [0.80, 0.70],  # the first is saved, however low
    [0.99, 0.69],  # the last pack counts
    [0.70, 0.75],
    [0.80, 0.75],  # tie, higher sum
    [0.75, 0.75],  # tie, lower sum
    [0.80, 0.75],  # tie, equal sum
    [0.99, 0.74],
]


def saved(ckpt, evaluations=EVALUATIONS):
    rule = SaveRule(ckpt)
    return [rule.evaluated(accuracies) for accuracies in evaluations]


def test_improvements_are_saved_under_the_count_of_evaluations():
    assert saved(1) == [1, None, 3, 4, None, 6, None]
    assert [index is not None for index in saved(1)] == upstreams_saves(EVALUATIONS)


def test_a_tie_never_replaces_a_better_sum():
    assert saved(3, [[0.9, 0.8], [0.5, 0.8]]) == [1, None]


def test_a_small_sets_low_accuracy_is_saved():
    assert saved(1, [[0.55]]) == [1]


def test_never_always_and_always_under_one():
    assert saved(0) == [None] * 7
    assert saved(2) == [1, 2, 3, 4, 5, 6, 7]
    assert saved(3) == [1, None, 1, 1, None, 1, None]


@pytest.mark.parametrize(("ckpt", "expected"), [(0, [None] * 3), (1, [1, 2, 3]), (2, [1, 2, 3]), (3, [1, 1, 1])])
def test_without_packs_every_evaluation_point_is_saved(ckpt, expected):
    assert saved(ckpt, [[], [], []]) == expected


@pytest.mark.parametrize("ckpt", [0, 1, 2, 3])
def test_the_best_accuracy_is_known_whatever_the_rule(ckpt):
    rule = SaveRule(ckpt)
    assert rule.highest is None
    for accuracies in EVALUATIONS:
        rule.evaluated(accuracies)
    assert rule.highest == 0.75
    assert rule.evaluations == 7


@pytest.mark.parametrize("ckpt", [0, 1, 2, 3])
def test_going_on_from_a_state_decides_as_without_the_break(ckpt):
    for cut in range(len(EVALUATIONS)):
        first, second = SaveRule(ckpt), SaveRule(ckpt)
        before = [first.evaluated(accuracies) for accuracies in EVALUATIONS[:cut]]
        second.load_state(json.loads(json.dumps(first.state())))
        after = [second.evaluated(accuracies) for accuracies in EVALUATIONS[cut:]]
        assert before + after == saved(ckpt)


def test_the_closing_checkpoint_replaces_no_evaluated_model():
    rule = SaveRule(3)
    assert rule.closing_index(at_evaluation=False) == 1
    rule.evaluated([0.9])
    rule.evaluated([0.8])
    assert rule.closing_index(at_evaluation=True) == 2
    assert rule.closing_index(at_evaluation=False) == 3
