"""mediaml: machine learning over people's own media, in batch, on their own machine."""

__version__ = "0.1.0"
