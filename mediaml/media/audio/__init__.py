"""Audio: overlapping windows as log-mel spectrograms, and the reader.

Other packages use `mediaml.media.reader.open_reader`. The rest is private to `mediaml.media`.

"""
