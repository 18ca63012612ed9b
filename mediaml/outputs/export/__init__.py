"""Exports: the selected results in the formats of other tools."""
