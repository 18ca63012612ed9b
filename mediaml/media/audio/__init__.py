"""Audio: overlapping windows as log-mel spectrograms, and the reader."""
