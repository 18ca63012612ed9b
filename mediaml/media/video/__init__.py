"""Video: one pass over its frames, pixels on demand, and the reader.

Other packages use `mediaml.media.reader.open_reader`. For `media.write`:
`slices.VideoSlices`, `video_pass.VideoPass` and `pixels.VideoPixels`. The rest is private to this package.
"""
