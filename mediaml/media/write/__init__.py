"""Annotated images and videos: drawing, encoding, joining."""
