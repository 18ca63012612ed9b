"""Images: header, pixels, truncation, and the reader.

For other rooms: `reader.ImageReader`, best had from `mediaml.media.reader.open_reader`. The rest is for
`mediaml.media` itself.
"""
