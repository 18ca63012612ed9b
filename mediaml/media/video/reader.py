"""Videos as frames with times, as displayed: size, rotation and colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction

from av.video.frame import VideoFrame

from mediaml.core.errors import MediaError
from mediaml.core.frame import Frame
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts, MediaInfo
from mediaml.media.joints import JointFinder
from mediaml.media.limits import Limits
from mediaml.media.open import is_live
from mediaml.media.truncation import check_parts, check_whole, noted
from mediaml.media.video.aspect import PixelAspect
from mediaml.media.video.deinterlace import stamped
from mediaml.media.video.packet_table import PacketTable, packet_table
from mediaml.media.video.pixels import Scalers, VideoPixels, displayed_size, orientation_of
from mediaml.media.video.tone import tone_of
from mediaml.media.video.video_pass import VideoPass


class VideoReader(AbstractContextManager["VideoReader"]):
    """Reads the default video stream of a file, not counting cover art; see `mediaml.media.reader.Reader`.

    Frames are shown as ffplay and mpv show them: HDR tone-mapped and interlaced frames deinterlaced, unless
    `limits` says otherwise; an alpha channel beside the video (VP8, VP9) is ignored; of several views
    (MV-HEVC) the base view is read.

    Raises:
        MediaError: see `open_reader`.
    """

    def __init__(self, path: Location, *, limits: Limits = Limits()) -> None:  # noqa: B008
        self._path = path
        self._limits = limits
        self._joints = JointFinder(path, limits)
        self._pass: VideoPass | None = VideoPass(path, limits, joints=self._joints)
        self._tally = self._pass.tally
        self._live = is_live(path, self._pass.container)
        self._fresh = True
        self._closed = False
        self._packets: tuple[PacketTable | None] | None = None
        try:
            self._info = self._pass.info()
            first = self._pass.first()
            self._tick_s = self._pass.stream.time_base or Fraction(0)
            self._turn = (first.rotation, orientation_of(first))
            self._scalers = Scalers(tone_of(first, limits), self._info.codec or "")
        except MediaError:
            self.close()
            raise

    @property
    def info(self) -> MediaInfo:
        """See `Reader.info`."""
        return self._info

    @property
    def accounts(self) -> DecodeAccounts:
        """See `Reader.accounts`."""
        return self._tally.accounts()

    def beginning(self) -> VideoPass:
        """A pass of which no frame has been taken yet: the one that told the header, where it is fresh."""
        if self._closed:
            raise ValueError(f"the reader of {self._path} is closed")
        run = self._pass if self._fresh and self._pass is not None else self._open()
        self._fresh = True
        return run

    def frames(self, start_s: float = 0.0, *, numbered: bool = True) -> Iterator[Frame]:
        """See `Reader.frames`; a start is reached from the keyframe before it.

        Without `numbered` the indices after a start count from anywhere: to find the true ones may take
        going through the whole file.
        """
        if self._closed:
            raise ValueError(f"the reader of {self._path} is closed")
        # A live stream has no earlier part to go back to: it goes on from now, and so does its clock.
        shift_s, start_s = (start_s, 0.0) if self._live else (0.0, start_s)
        run = self._begin(start_s, numbered)
        aspect = PixelAspect(run.container, run.stream)
        timeline = run.timeline()
        end_s, count = self._info.start_s or 0.0, run.index
        whole = stamped(run.frames(), deinterlace=self._limits.deinterlace)
        for index, (time_s, duration_s, frame) in enumerate(
            timeline.place(whole, run.tally, since_s=start_s), start=run.index
        ):
            end_s, count = time_s + duration_s, index + 1
            if time_s >= start_s or start_s <= 0:
                run.tally.decoded += 1
                yield self._frame(index, time_s + shift_s, duration_s, frame, aspect.of(frame))
        tally = run.tally
        check_whole(
            self._path,
            self._info.duration_s,
            end_s - (self._info.start_s or 0.0),  # A stream's duration counts from its own start.
            container=self._info.container or "",
            missing=run.missing,
            fewer=count + tally.corrupt - tally.flagged < (tally.expected or 0),
        )
        if run.is_joined:
            check_parts(self._path)
        tally.notes = noted(self._path, self._info.container or "")

    @property
    def is_live(self) -> bool:
        """Whether it is a stream without an end, which is read from now on."""
        return self._live

    @property
    def is_indexed(self) -> bool:
        """Whether the container's index numbers every frame."""
        return self._pass is not None and self._pass.is_indexed

    @property
    def tick_s(self) -> Fraction:
        """Seconds of one tick of the stream's clock."""
        return self._tick_s

    @property
    def location(self) -> Location:
        """Where the file is."""
        return self._path

    @property
    def limits(self) -> Limits:
        """The limits on it."""
        return self._limits

    def packets(self, step: Callable[[], None] = lambda: None) -> PacketTable | None:
        """The packets of the stream; read when they are first asked for, see `packet_table`."""
        if self._packets is None:
            self._packets = (packet_table(self._path, self._limits, self._joints, step),)
        return self._packets[0]

    def placed(
        self, index: int, time_s: float, duration_s: float, frame: VideoFrame, aspect: Fraction | None
    ) -> Frame:
        """A frame that was decoded elsewhere; counts as one of this reader's."""
        self._tally.decoded += 1
        return self._frame(index, time_s, duration_s, frame, aspect)

    def check_end(self, table: PacketTable) -> None:
        """Refuse a file whose end is missing, by its packets alone.

        Raises:
            MediaError: see `check_whole`.
        """
        container = self._info.container or ""
        end_s = float(table.times_s[-1] + table.durations_s[-1]) - (self._info.start_s or 0.0)
        check_whole(self._path, self._info.duration_s, end_s, container=container, missing=0)
        self._tally.notes = noted(self._path, container)

    def _begin(self, start_s: float, numbered: bool) -> VideoPass:
        """A pass at or before a time."""
        run = self.beginning()
        self._fresh = False
        if start_s > 0:
            run.tally.since = run.timeline().tick(start_s)
            if not run.seek(start_s, numbered=numbered):
                run = self._open()
                run.tally.since = run.timeline().tick(start_s)
        return run

    def _open(self) -> VideoPass:
        self._end()
        self._pass = VideoPass(self._path, self._limits, joints=self._joints)
        self._tally = self._pass.tally
        return self._pass

    def _frame(
        self, index: int, time_s: float, duration_s: float, frame: VideoFrame, aspect: Fraction | None
    ) -> Frame:
        orientation = self._orientation(frame)
        width, height = displayed_size(frame.width, frame.height, aspect, orientation)
        self._limits.check_size(self._path, width, height)
        pixels = VideoPixels(frame, width, height, orientation, self._scalers)
        return Frame(index, time_s, duration_s, self._info, width, height, pixels)

    def _orientation(self, frame: VideoFrame) -> int:
        """Looked up again only where the turn changes: asking a frame for its side data keeps it alive in a
        reference cycle until the garbage collector comes by."""
        if frame.rotation != self._turn[0]:
            self._turn = (frame.rotation, orientation_of(frame))
        return self._turn[1]

    def _end(self) -> None:
        if self._pass is not None:
            self._pass.close()
        self._pass = None

    def close(self) -> None:
        """See `Reader.close`."""
        self._closed = True
        self._end()

    def __exit__(self, *_: object) -> None:
        self.close()
