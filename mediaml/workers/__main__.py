"""`python -m mediaml.workers ROLE`: a worker process; started by a run, never by a person."""

import sys


def main() -> None:
    """Become what the role says."""
    from mediaml.workers.settling import settle_in

    supervisor = settle_in()
    if sys.argv[1] == "draw":
        from mediaml.workers.drawing import draw_copies

        draw_copies(*supervisor)
    else:
        from mediaml.workers.process import answer_sources

        answer_sources(*supervisor)


if __name__ == "__main__":
    main()
