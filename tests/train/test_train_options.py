"""The command line against the flags and defaults of InsightFace's train_softmax.py, and what --help says of it."""

import argparse

import pytest

from insightrec.train import train_options

UPSTREAM = {
    "data_dir": "",
    "prefix": "../model/model",
    "pretrained": "",
    "ckpt": 1,
    "loss_type": "4",
    "verbose": 2000,
    "max_steps": 0,
    "end_epoch": 100000,
    "network": "r50",
    "version_se": 0,
    "version_input": 1,
    "version_unit": 3,
    "version_act": "prelu",
    "use_deformable": 0,
    "lr": 0.1,
    "lr_steps": "",
    "wd": 0.0005,
    "fc7_wd_mult": 1.0,
    "fc7_lr_mult": 1.0,
    "fc7_no_bias": False,
    "bn_mom": 0.9,
    "mom": 0.9,
    "emb_size": None,  # 512, of facenet 128
    "per_batch_size": 128,
    "margin_m": 0.5,
    "margin_s": 64.0,
    "easy_margin": 0,
    "margin": 4,
    "beta": 1000.0,
    "beta_min": 5.0,
    "beta_freeze": 0,
    "gamma": 0.12,
    "power": 1.0,
    "scale": 0.9993,
    "rand_mirror": 1,
    "cutoff": 0,
    "color": 0,
    "images_filter": 0,
    "version_multiplier": 1.0,
    "ce_loss": False,
    "center_alpha": 0.5,
    "center_scale": 0.003,
    "images_per_identity": 0,
    "triplet_bag_size": 3600,
    "triplet_alpha": 0.3,
    "triplet_max_ap": 0.0,
    "patch": "0_0_96_112_0",
    "target": "lfw,cfp_fp,agedb_30",
}
UNSET = {  # upstream's value is another one for some loss, network or set, so it is left to them
    "version_output": None,
    "margin_a": None,
    "margin_b": None,
    "image_size": None,
    "gpus": None,
}


@pytest.fixture
def options(monkeypatch):
    """The parser's options, --help aside."""
    parsers = []
    monkeypatch.setattr(
        argparse.ArgumentParser, "parse_args", lambda parser, _: parsers.append(parser) or argparse.Namespace()
    )
    train_options.parse([])
    return [action for action in parsers[0]._actions if action.dest != "help"]


def test_defaults_are_upstreams():
    args = vars(train_options.parse([]))
    assert {name: args[name] for name in UPSTREAM} == UPSTREAM
    assert {name: args[name] for name in UNSET} == UNSET


def test_every_flag_says_what_it_is_by_default(options):
    for action in options:
        words = " ".join((action.help % {"default": action.default}).split())
        assert "(default: " in words, action.dest


def test_the_default_that_is_said_is_the_one_there_is(options):
    checked = 0
    for action in options:
        if isinstance(action.default, bool) or action.default in (None, ""):
            continue
        said = (action.help % {"default": action.default}).rpartition("(default: ")[2]
        value = f"{action.default:g}" if isinstance(action.default, float) else str(action.default)
        assert said.startswith(value), (action.dest, said)
        assert said[len(value) :][0] in ",); ", (action.dest, said)
        checked += 1
    assert checked > 50


def test_a_loss_has_two_flags():
    assert train_options.parse(["--loss", "arcface"]).loss_type == "arcface"
    assert train_options.parse(["--loss-type", "12"]).loss_type == "12"


@pytest.mark.parametrize(
    "line",
    [
        *("--margins 1", "--margin 0", "--ckpt 4", "--per-batch-size 0", "--seed -1", "--version-se 2", "--verbose 0"),
        *("--image-size 112", "--triplet-rule easy", "--dtype float64", "--kvstore dist_async", "--lr fast", "model"),
    ],
)
def test_what_is_not_there_is_refused(line, capsys):
    with pytest.raises(SystemExit) as stopped:
        train_options.parse(line.split())
    assert stopped.value.code == 2
    assert line.split()[0] in capsys.readouterr().err


def test_upstreams_command_lines_are_taken():
    """Those of its README, late 2018."""

    def taken(line):
        return train_options.parse(line.split())

    taken("--network r100 --loss-type 4 --margin-m 0.5 --data-dir ../faces --prefix ../model-r100")
    args = taken(
        "--network m1 --loss-type 12 --lr 0.005 --mom 0.0 --per-batch-size 150 --data-dir ../faces "
        "--pretrained ../model-m1-softmax,50 --prefix ../model-m1-triplet"
    )
    assert (args.lr, args.mom, args.per_batch_size) == (0.005, 0, 150)
    assert args.pretrained == "../model-m1-softmax,50"
    args = taken("--image-size 112,96 --fc7-wd-mult 10.0 --wd 4e-5 --emb-size 128")
    assert (args.image_size, args.fc7_wd_mult, args.wd, args.emb_size) == ((112, 96), 10, 4e-5, 128)
