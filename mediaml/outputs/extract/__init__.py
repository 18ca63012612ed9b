"""Crops, frames, clips and contact sheets of what was found, taken from the sources."""
