"""`python -m mediaml`."""

from mediaml.cli.main import main

if __name__ == "__main__":
    main()
