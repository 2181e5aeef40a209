"""Train a face embedding on a record set, by loss number; see the flags' defaults with --help."""

from insightrec.recordio_tools.command_line import tool
from insightrec.train.losses.loss_table import loss_table
from insightrec.train.train_options import parse


@tool
def main(argv=None):
    """Train until the steps or epochs asked for are done, or list the losses."""
    args = parse(argv)
    if args.list_losses:
        print(loss_table())
        return
    # Only training itself needs MXNet.
    from insightrec.train.device_errors import readable_device_errors
    from insightrec.train.training_run import TrainingRun
    from insightrec.train.training_setup import set_up

    with readable_device_errors():
        TrainingRun(args, set_up(args, _report), _report).train()


def _report(line):
    print(line, flush=True)


if __name__ == "__main__":
    main()
