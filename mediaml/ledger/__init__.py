"""The SQLite store of all results; all outputs are derived from it."""
