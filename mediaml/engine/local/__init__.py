"""Worker processes, and the supervisor that restarts them."""
