"""`python -m mediaml.engine.local`: a worker process; started by a run, never by a person."""


def main() -> None:
    """Set the process up, then work until the pipe is closed."""
    from mediaml.engine.local.process_setup import set_up_process

    streams = set_up_process()
    from mediaml.engine.local.worker import answer_sources

    answer_sources(*streams)


if __name__ == "__main__":
    main()
