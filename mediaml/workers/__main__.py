"""`python -m mediaml.workers`: a worker process; started by the supervisor, never by a person."""

from mediaml.workers.process import main

if __name__ == "__main__":
    main()
