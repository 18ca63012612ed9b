"""More voices, made by flite (Carnegie Mellon's free speech synthesiser): digits with accents, other words.

Only the programme `flite` is needed (Debian's package of that name), with its four voices: kal, rms and slt
speak American, awb Scottish English. Its licence and that of its voices allow any use of what they say. The
digits are given as phones, so that one voice says them with several accents. These voices are taught beside
the recordings and are never measured on.
"""

import subprocess
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly
from tqdm import tqdm

from scripts.training.spoken.recordings import SAMPLE_RATE, Clip, active_part
from scripts.training.spoken.tempo import in_tempos

Samples = NDArray[np.float32]

NAMES = ("awb", "kal", "rms", "slt")
STRETCHES = (0.9, 1.2, 1.5, 1.9)
WORD_STRETCHES = (0.85, 1.15)
TEMPOS = 3  # other tempos of every recorded clip
# Pronunciations in the phones of CMU's dictionary: first the American one, then what accents make of it.
SAID: dict[int, tuple[str, ...]] = {
    0: ("z ih r ow", "z iy r ow", "s ih r ow", "z eh r ow", "z iy ax r ao"),
    1: ("w ah n", "w aa n", "v ah n", "w ao n"),
    2: ("t uw", "t y uw", "t uh uw", "ch uw"),
    3: ("th r iy", "s r iy", "t r iy", "f r iy", "th r ih"),
    4: ("f ao r", "f ao", "f ow r", "f aa ax"),
    5: ("f ay v", "f ay f", "f aa v", "f ae y v"),
    6: ("s ih k s", "s iy k s", "s eh k s", "z ih k s"),
    7: ("s eh v ax n", "s eh v n", "z eh v ax n", "s ae v eh n", "s eh f ax n"),
    8: ("ey t", "eh t", "eh y t", "ey d"),
    9: ("n ay n", "n aa n", "n ae y n", "n aa iy n"),
}  # fmt: skip
# Words that are said and are no digits. None sounds like one through a common accent, as "tree" does.
WORDS = """
about after again always another answer apple because before below better between black blue bottle
box bread brother button camera car carefully chair children city clock cloud coffee cold come could
country dark day different dinner dog door down drive early earth easy egg elephant empty evening
every example eye family father fast finger fire fish flower follow friend from garden give glass good
great green hand happy hard have heavy hello help here horse house hundred idea important inside into
island jump just keep kitchen know language large laugh leave left letter light listen little long
look love machine make many market maybe message milk minute money monday moon more morning mother
mountain music name never night no north nothing number ocean often only open orange other our outside
over paper people perhaps picture place please point question quickly radio rain ready remember right
river road room round saturday school second sentence she should silver sister sleep slowly small snow
some something song south speak spring square start station stop story street strong summer sunday
table talk television thank that their there they thing this thousand thursday together tomorrow
tonight under until very video voice walk wall warm watch water wednesday week welcome what where
which white window winter with woman wonder word work world write yellow yes yesterday young
"""


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice: its digits, and other words that it says, float32 at 8 kHz, each cut to what is heard."""

    name: str
    clips: tuple[Clip, ...]
    words: tuple[Samples, ...]


def spoken_by_flite(voice: str, arguments: Sequence[str], folder: Path) -> Samples:
    """What flite says, float32 [n] at 8 kHz, with the silence around it cut off to 20 ms.

    Raises:
        FileNotFoundError: flite is not installed.
        RuntimeError: it failed.
    """
    path = folder / "said.wav"
    command = ["flite", "-voice", voice, *arguments, str(path)]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            "flite is not installed; it makes the additional voices. Install Debian's package flite, or "
            "train on the recordings alone with --made 0."
        ) from error
    if answer.returncode or not path.is_file():
        raise RuntimeError(f"{' '.join(command)} failed: {answer.stderr.strip()}")
    with wave.open(str(path)) as file:
        rate, raw = file.getframerate(), file.readframes(file.getnframes())
    path.unlink()
    sound = np.frombuffer(raw, "<i2").astype(np.float32) / np.float32(32_768)
    sound = resample_poly(sound, SAMPLE_RATE, rate).astype(np.float32) if rate != SAMPLE_RATE else sound
    start, end = active_part(sound)
    return sound[max(0, start - SAMPLE_RATE // 50) : end + SAMPLE_RATE // 50]


def digits_of(voice: str, folder: Path) -> Iterator[Clip]:
    """The ten digits as a voice says them, in every pronunciation and at several tempos."""
    for digit, pronunciations in SAID.items():
        for number, phones in enumerate(pronunciations):
            for stretch in STRETCHES:
                options = ["--setf", f"duration_stretch={stretch}", "-p", phones]
                sound = spoken_by_flite(voice, options, folder)
                name = f"{digit}_flite-{voice}_{number}-{stretch}"
                yield Clip(name, digit, f"flite-{voice}", sound, *active_part(sound))


def made_by_flite() -> list[Voice]:
    """All four voices."""
    voices = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for voice in tqdm(NAMES, desc="voices"):
            words = [
                spoken_by_flite(voice, ["--setf", f"duration_stretch={stretch}", "-t", word], folder)
                for word in WORDS.split()
                for stretch in WORD_STRETCHES
            ]
            voices.append(Voice(f"flite-{voice}", tuple(digits_of(voice, folder)), tuple(words)))
    return voices


def cached(path: Path) -> list[Voice]:
    """`made_by_flite`, kept in one npz file from the first call on."""
    if not path.is_file():
        arrays: dict[str, Any] = {}
        for voice in made_by_flite():
            arrays |= {f"{voice.name}/clip/{clip.name}": clip.samples for clip in voice.clips}
            arrays |= {f"{voice.name}/word/{place:04}": word for place, word in enumerate(voice.words)}
        np.savez(partial := path.with_suffix(".part.npz"), **arrays)
        partial.replace(path)
    with np.load(path) as file:
        sounds = {tuple(key.split("/")): file[key] for key in file.files}
    return [
        Voice(
            name,
            tuple(
                Clip(label, int(label[0]), name, sound, *active_part(sound))
                for (owner, kind, label), sound in sounds.items()
                if (owner, kind) == (name, "clip")
            ),
            tuple(sound for (owner, kind, _), sound in sounds.items() if (owner, kind) == (name, "word")),
        )
        for name in dict.fromkeys(owner for owner, _, _ in sounds)
    ]


def voices_of(clips: Sequence[Clip], made: Sequence[Voice]) -> list[Voice]:
    """The recorded speakers at several tempos, with the words that flite's voices say; they say none."""
    words = tuple(word for voice in made for word in voice.words)
    speakers = sorted({clip.speaker for clip in clips})
    spoken = [[clip for clip in clips if clip.speaker == name] for name in speakers]
    return [
        Voice(name, tuple(in_tempos(own, TEMPOS, seed)), words)
        for seed, (name, own) in enumerate(zip(speakers, spoken, strict=True))
    ]
