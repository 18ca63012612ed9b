"""The report: one page that shows what was found, opened from disk in a browser."""
