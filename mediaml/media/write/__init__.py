"""Annotated images and videos: drawing, encoding, joining.

For other packages (import them from their modules; these import PyAV or OpenCV, which this page does not):

    annotated_image.write_annotated_image   an image with boxes, in one step
    annotated_image.write_annotated_sequence  an animation, or the pages of a TIFF, frame by frame
    segment_drawer.SegmentDrawer            draws one time slice of a video into a segment
    segment_drawer.drawing_settings         what decides, beside source and overlay, what a segment holds
    segment_file.SegmentFile                a segment on disk: Segment, BrokenSegmentError
    join.join_segments                      segments, audio and subtitles as one MP4: WriteAccounts
"""
