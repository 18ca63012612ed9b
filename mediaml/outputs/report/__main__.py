"""`python -m mediaml.outputs.report`: the process that makes thumbnails for a report."""


def main() -> None:
    """Set the process up, then make thumbnails until the pipe is closed."""
    from mediaml.engine.local.process_setup import set_up_process

    streams = set_up_process()
    from mediaml.outputs.report.process import make_thumbnails

    make_thumbnails(*streams)


if __name__ == "__main__":
    main()
