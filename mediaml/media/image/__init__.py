"""Images: header, pixels, truncation, and the reader."""
