"""Audio: overlapping windows as log-mel spectrograms, and the reader.

For other rooms: `reader.AudioReader`, best had from `mediaml.media.reader.open_reader`. The rest is for
`mediaml.media` itself.
"""
