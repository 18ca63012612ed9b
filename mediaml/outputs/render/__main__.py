"""`python -m mediaml.outputs.render`: the process that draws annotated copies; started by a run."""


def main() -> None:
    """Set the process up, then render until the pipe is closed."""
    from mediaml.engine.local.process_setup import give_large_blocks_back, set_up_process

    streams = set_up_process()
    give_large_blocks_back()
    from mediaml.outputs.render.process import draw_copies

    draw_copies(*streams)


if __name__ == "__main__":
    main()
