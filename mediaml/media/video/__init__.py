"""Video: one pass over its frames, pixels on demand, and the reader.

For other rooms: `reader.VideoReader`, best had from `mediaml.media.reader.open_reader`. For `media.write`:
`slices.VideoSlices`, `video_pass.VideoPass` and `pixels.VideoPixels`. The rest is for this room alone.
"""
