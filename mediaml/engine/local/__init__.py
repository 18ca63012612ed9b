"""The processes that work on files, and the supervisor that outlives them."""
