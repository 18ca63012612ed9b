"""The SQLite store of everything that was answered; all outputs are derived from it."""
