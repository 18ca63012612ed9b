"""Video: one pass over its frames, pixels on demand, and the reader."""
