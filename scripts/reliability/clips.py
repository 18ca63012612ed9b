"""Short clips of many containers, codecs, pixel formats, rates, shapes and audio, rendered by `ffmpeg`.

They are what files in the field are made of: one property per clip differs from the plain case. A clip whose
encoder this ffmpeg lacks is not rendered.
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS = 1.2
# Encoders of ffmpeg by the name that the table below gives them.
H264 = "libx264 -preset ultrafast"
B_FRAMES = "libx264 -preset veryfast -bf 3 -g 12"
H265 = "libx265 -preset ultrafast -x265-params log-level=none"
AV1 = "libaom-av1 -cpu-used 8 -crf 30"
VP8 = "libvpx -deadline realtime -b:v 1M"
VP9 = "libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M"
DNXHR = "dnxhd -profile:v dnxhr_hq"


@dataclass(frozen=True, slots=True)
class Clip:
    """How one clip is rendered.

    Attributes:
        name: of the file; its ending chooses the container.
        video: encoder and options of `ffmpeg -c:v`; empty for audio alone.
        audio: encoder and options of `ffmpeg -c:a`; empty for a mute clip.
        rate: frames per second, as ffmpeg reads it.
        size: of a frame.
        channels, hertz: of the audio.
        inputs: options before the inputs, such as an offset. more: further options of the output.
        turn: degrees clockwise by which a player is to turn it.
    """

    name: str
    video: str = ""
    audio: str = ""
    rate: str = "25"
    size: str = "128x96"
    channels: int = 2
    hertz: int = 48_000
    inputs: str = ""
    more: str = ""
    turn: int = 0

    @property
    def encoders(self) -> tuple[str, ...]:
        """The encoders that it needs."""
        return tuple(part.split()[0] for part in (self.video, self.audio) if part)

    def command(self, target: Path) -> list[str]:
        """The call of `ffmpeg` that renders it."""
        words = ["ffmpeg", "-nostdin", "-v", "error", "-y"]
        if self.video:
            source = f"testsrc2=size={self.size}:rate={self.rate}:duration={SECONDS}"
            words += ["-f", "lavfi", "-i", source]
        if self.audio:
            tones = "|".join(
                f"0.3*sin(2*PI*({200 + 60 * channel}+300*t)*t)" for channel in range(self.channels)
            )
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[self.channels]
            sound = f"aevalsrc={tones}:s={self.hertz}:d={SECONDS}:c={layout}"
            words += [*shlex.split(self.inputs), "-f", "lavfi", "-i", sound]
        words += ["-c:v", *shlex.split(self.video)] if self.video else []
        words += ["-c:a", *shlex.split(self.audio)] if self.audio else []
        words += ["-pix_fmt", "yuv420p"] if self.video and "-pix_fmt" not in self.video else []
        return [*words, "-threads", "1", *shlex.split(self.more), str(target)]


def _tagged(matrix: str, range_: str) -> str:
    """Options that convert to a colour matrix and range, and say so in the stream."""
    names = f"-color_primaries {matrix} -color_trc {matrix} -colorspace {matrix} -color_range {range_}"
    scaled = "bt2020" if matrix == "bt2020nc" else matrix
    names = names.replace("_primaries bt2020nc", "_primaries bt2020").replace(
        "_trc bt2020nc", "_trc bt2020-10"
    )
    return f"-vf scale=out_color_matrix={scaled}:out_range={range_} {names}"


def _hdr(transfer: str) -> str:
    """Options that call the signal one of high dynamic range."""
    return f"-color_primaries bt2020 -color_trc {transfer} -colorspace bt2020nc -color_range tv"


VIDEO: tuple[Clip, ...] = (
    # MP4 and its kin: pixel formats, colours, rates, shapes, clocks.
    Clip("plain.mp4", H264, "aac"),
    Clip("422.mp4", f"{H264} -pix_fmt yuv422p", "aac", hertz=44_100),
    Clip("444.mp4", f"{H264} -pix_fmt yuv444p"),
    Clip("10_bit.mp4", f"{H264} -pix_fmt yuv420p10le"),
    Clip("422_10_bit.mp4", f"{H264} -pix_fmt yuv422p10le"),
    Clip("rgb.mp4", "libx264rgb -preset ultrafast -pix_fmt rgb24"),
    Clip("grey.mp4", f"{H264} -pix_fmt gray"),
    Clip("full_range.mp4", H264, more=_tagged("bt709", "pc")),
    Clip("full_range_601.mp4", H264, more=_tagged("smpte170m", "pc")),
    Clip("bt709.mp4", H264, more=_tagged("bt709", "tv")),
    Clip("bt601.mp4", H264, more=_tagged("smpte170m", "tv")),
    Clip("bt2020.mp4", f"{H265} -pix_fmt yuv420p10le", more=_tagged("bt2020nc", "tv")),
    Clip("hdr_pq.mp4", f"{H265} -pix_fmt yuv420p10le", more=_hdr("smpte2084")),
    Clip("hdr_hlg.mp4", f"{H265} -pix_fmt yuv420p10le", more=_hdr("arib-std-b67")),
    Clip("23.976.mp4", H264, "aac", rate="24000/1001"),
    Clip("29.97.mp4", H264, "aac", rate="30000/1001"),
    Clip("59.94.mp4", H264, "aac", rate="60000/1001"),
    Clip("vfr.mp4", B_FRAMES, "aac", more=r"-vf select='not(eq(mod(n\,5)\,2))' -fps_mode vfr"),
    Clip("turned_90.mp4", H264, turn=90),
    Clip("turned_180.mp4", H264, turn=180),
    Clip("turned_270.mov", H264, turn=270),
    Clip("turned_odd_270.mp4", f"{H264} -pix_fmt yuv444p", more="-vf scale=127:95", turn=270),
    Clip("wide_pixels.mp4", H264, more="-vf setsar=4/3"),
    Clip("tall_pixels.mp4", H264, more="-vf setsar=8/9"),
    Clip("wide_pixels_turned.mp4", H264, more="-vf setsar=16/11", turn=90),
    Clip("odd_size.mp4", f"{H264} -pix_fmt yuv444p", more="-vf scale=127:95"),
    Clip("starts_at_5_s.mp4", H264, "aac", more="-output_ts_offset 5"),
    Clip("audio_late.mp4", H264, "aac", inputs="-itsoffset 0.5"),
    Clip("b_frames.mp4", B_FRAMES, "aac"),
    Clip("open_gop.mp4", f"{B_FRAMES} -x264-params open-gop=1:keyint=10:min-keyint=10", "aac"),
    Clip("fragmented.mp4", B_FRAMES, "aac", more="-movflags frag_keyframe+empty_moov+default_base_moof"),
    Clip("audio_first.mp4", B_FRAMES, "aac", more="-map 1:a -map 0:v"),
    Clip("no_edit_list.mp4", B_FRAMES, "aac", more="-use_editlist 0"),
    Clip("hevc.mp4", H265, "aac"),
    Clip("hevc_10_bit.mp4", f"{H265} -pix_fmt yuv420p10le -tag:v hvc1", "aac", channels=6),
    Clip("av1.mp4", AV1, "libopus"),
    Clip("mpeg4.mp4", "mpeg4 -q:v 3 -bf 2", "libmp3lame", hertz=44_100),
    Clip("mjpeg.mp4", "mjpeg -q:v 3 -pix_fmt yuvj420p", "ac3", channels=6),
    Clip("alac.mp4", H264, "alac", hertz=44_100),
    Clip("flac.mp4", H264, "flac -strict -2"),
    Clip("mono_8_khz.mp4", H264, "aac", channels=1, hertz=8_000),
    Clip("prores.mov", "prores_ks -pix_fmt yuv422p10le", "pcm_s24le"),
    Clip("prores_4444.mov", "prores_ks -profile:v 4444 -pix_fmt yuv444p10le", "pcm_s16le", channels=6),
    Clip("dnxhr.mov", f"{DNXHR} -pix_fmt yuv422p", "pcm_s16be", size="256x128"),
    Clip("mjpeg_422.mov", "mjpeg -q:v 3 -pix_fmt yuvj422p", "pcm_s16le", channels=1, hertz=8_000),
    Clip("animation.mov", "qtrle -pix_fmt rgb24"),
    Clip("h263.3gp", "h263", "aac", channels=1, hertz=8_000),
    Clip("mpeg4.3gp", "mpeg4 -q:v 3", "aac", hertz=44_100),
    # Matroska and WebM.
    Clip("b_frames.mkv", B_FRAMES, "libvorbis", hertz=44_100),
    Clip("hevc.mkv", f"{H265} -pix_fmt yuv444p", "flac"),
    Clip("ffv1.mkv", "ffv1 -pix_fmt yuv422p", "pcm_s16le", hertz=44_100),
    Clip("ffv1_10_bit.mkv", "ffv1 -pix_fmt yuv444p10le", "flac", channels=1, hertz=8_000),
    Clip("ffv1_odd.mkv", "ffv1 -pix_fmt yuv420p", more="-vf scale=127:95"),
    Clip("ffv1_rgb.mkv", "ffv1 -pix_fmt bgr0"),
    Clip("mpeg2.mkv", "mpeg2video -q:v 3 -bf 2", "ac3", channels=6),
    Clip("theora.mkv", "libtheora -q:v 8", "libopus", channels=6),
    Clip("starts_at_5_s.mkv", H264, "aac", more="-output_ts_offset 5"),
    Clip("audio_late.mkv", B_FRAMES, "libopus", inputs="-itsoffset 0.5"),
    Clip("vfr.mkv", B_FRAMES, "aac", more=r"-vf select='not(eq(mod(n\,5)\,2))' -fps_mode vfr"),
    Clip("audio_first.mkv", B_FRAMES, "flac", more="-map 1:a -map 0:v"),
    Clip("wide_pixels.mkv", VP9, more="-vf setsar=4/3"),
    Clip("vp8.webm", VP8, "libvorbis"),
    Clip("vp9.webm", VP9, "libopus"),
    Clip("vp9_444.webm", f"{VP9} -pix_fmt yuv444p", "libopus", channels=1),
    Clip("vp9_10_bit.webm", f"{VP9} -pix_fmt yuv420p10le"),
    Clip("vp9_odd.webm", VP9, more="-vf scale=127:95"),
    Clip("vp9_59.94.webm", VP9, "libopus", rate="60000/1001"),
    Clip("av1.webm", AV1, "libopus"),
    # AVI, FLV, ASF, Ogg.
    Clip("mpeg4.avi", "mpeg4 -q:v 3 -bf 2", "libmp3lame"),
    Clip("b_frames.avi", B_FRAMES, "libmp3lame", hertz=44_100),
    Clip("mjpeg.avi", "mjpeg -q:v 3 -pix_fmt yuvj422p", "pcm_s16le", rate="30000/1001"),
    Clip("ffv1.avi", "ffv1 -pix_fmt yuv420p", "ac3"),
    Clip("huffyuv.avi", "huffyuv -pix_fmt yuv422p", "pcm_u8", channels=1, hertz=8_000),
    Clip("flv1.flv", "flv -q:v 3", "libmp3lame", hertz=44_100),
    Clip("h264.flv", B_FRAMES, "aac"),
    Clip("wmv2.wmv", "wmv2 -q:v 3", "wmav2", hertz=44_100),
    Clip("msmpeg4.asf", "msmpeg4 -q:v 3", "wmav1"),
    Clip("theora.ogv", "libtheora -q:v 8", "libvorbis", hertz=44_100),
    Clip("theora_444.ogv", "libtheora -q:v 8 -pix_fmt yuv444p", "flac"),
    # Broadcast and production.
    Clip("h264.ts", B_FRAMES, "aac"),
    Clip("mpeg2.ts", "mpeg2video -q:v 3 -bf 2", "mp2"),
    Clip("hevc.ts", H265, "ac3", channels=6),
    Clip("audio_late.ts", H264, "aac", inputs="-itsoffset 0.5"),
    Clip("h264.m2ts", B_FRAMES, "ac3"),
    Clip("mpeg2.mpg", "mpeg2video -q:v 3 -bf 2", "mp2", rate="30000/1001"),
    Clip("mpeg1.mpg", "mpeg1video -q:v 3", "mp2", hertz=44_100),
    Clip("interlaced.mpg", "mpeg2video -q:v 3 -flags +ildct+ilme -top 1", "mp2", more="-vf setfield=tff"),
    Clip("mpeg2.mxf", "mpeg2video -q:v 3", "pcm_s16le"),
    Clip("dnxhr.mxf", f"{DNXHR} -pix_fmt yuv422p", "pcm_s24le", size="256x128"),
    Clip("ffv1.nut", "ffv1 -pix_fmt yuv420p", "flac"),
    Clip("vp8.ivf", VP8),
    Clip("vp9.ivf", VP9, rate="30000/1001"),
    Clip("av1.ivf", AV1),
    Clip("420.y4m", "wrapped_avframe -pix_fmt yuv420p", rate="30000/1001"),
    Clip("444.y4m", "wrapped_avframe -pix_fmt yuv444p", more="-vf scale=127:95,setsar=4/3"),
    Clip("animated.gif", "gif -pix_fmt rgb8", rate="10"),
)
AUDIO: tuple[Clip, ...] = (
    Clip("mono_8_khz.wav", audio="pcm_s16le", channels=1, hertz=8_000),
    Clip("24_bit_5.1.wav", audio="pcm_s24le", channels=6),
    Clip("float.w64", audio="pcm_f32le", hertz=44_100),
    Clip("stereo.mp3", audio="libmp3lame", hertz=44_100),
    Clip("mono_8_khz.mp3", audio="libmp3lame", channels=1, hertz=8_000),
    Clip("5.1.flac", audio="flac", channels=6),
    Clip("stereo.ogg", audio="libvorbis", hertz=44_100),
    Clip("stereo.opus", audio="libopus"),
    Clip("stereo.m4a", audio="aac", hertz=44_100),
    Clip("stereo.aac", audio="aac"),
    Clip("5.1.ac3", audio="ac3", channels=6),
    Clip("stereo.aiff", audio="pcm_s16be", hertz=44_100),
    Clip("stereo.caf", audio="pcm_s16le"),
    Clip("stereo.mka", audio="pcm_s16le", hertz=44_100),
    Clip("stereo.wma", audio="wmav2", hertz=44_100),
    Clip("stereo.mp2", audio="mp2"),
)


def known_encoders() -> set[str]:
    """The encoders of the `ffmpeg` at hand."""
    said = subprocess.run(
        ["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, text=True, check=True
    ).stdout
    return {words[1] for line in said.splitlines() if len(words := line.split()) > 1}


def render(clip: Clip, folder: Path) -> str | None:
    """Write a clip; why not, where this ffmpeg cannot."""
    target = folder / clip.name
    made = subprocess.run(clip.command(target), capture_output=True, text=True, check=False)
    if made.returncode == 0 and clip.turn:
        upright = target.rename(folder / f"upright-{clip.name}")
        turned = ["-c", "copy", "-metadata:s:v", f"rotate={clip.turn}", str(target)]
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(upright), *turned]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        upright.unlink()
    if made.returncode == 0:
        return None
    target.unlink(missing_ok=True)
    return made.stderr.strip().splitlines()[-1] if made.stderr.strip() else f"exit {made.returncode}"
