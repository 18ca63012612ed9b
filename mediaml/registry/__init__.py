"""Plugins and their options: entry points to records."""
