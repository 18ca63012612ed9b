"""Weights on disk: where bundled and user-given model files are found, and their checksums."""
