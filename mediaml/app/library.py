"""The library: `mediaml.run` and `mediaml.open_media`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from mediaml.app.config import RunConfig
from mediaml.app.failure_policy import FailurePolicy
from mediaml.app.memory import parse_size
from mediaml.app.report import RunReport
from mediaml.app.reporter import LoggingReporter, Reporter
from mediaml.app.run import run_config
from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import MediaError, UsageError
from mediaml.core.location import location_of
from mediaml.core.media import Kind
from mediaml.core.sampling import ALL_FRAMES, Sampling
from mediaml.core.suggestions import suggestion
from mediaml.core.track import TrackChoice
from mediaml.engine.timeouts import Timeouts
from mediaml.media.limits import Limits
from mediaml.media.reader import Reader, open_reader
from mediaml.media.sniff import sniff_kind
from mediaml.onnx.providers import Precision
from mediaml.pipeline.inputs import Selection
from mediaml.store.watcher import SilentWatcher

Texts = str | Iterable[str]
Paths = str | Path | Iterable[str | Path]


def run(
    inputs: Paths,
    models: Texts,
    out: str | Path = "mediaml-out",
    *,
    weights: str | Path | Mapping[str, str | Path] | None = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
    prompts: Texts = (),
    device: str = "auto",
    precision: Precision = "exact",
    kinds: Iterable[Kind | str] | None = None,
    recursive: bool = True,
    include: Texts = (),
    exclude: Texts = (),
    audio_track: str | None = None,
    sampling: Sampling | Mapping[str, Any] | None = None,
    annotate: bool | None = None,
    track: bool = False,
    outputs: Texts = (),
    force: bool = False,
    retry_failed: bool = False,
    compare_content: bool = False,
    on_error: Literal["skip", "stop"] = "skip",
    max_failures: str | None = None,
    timeouts: Timeouts | None = None,
    jobs: int | None = None,
    batch: int | None = None,
    threads: int | None = None,
    readers: int | None = None,
    memory: int | str | None = None,
    limits: Limits | None = None,
    offline: bool = False,
    debug: bool = False,
    reporter: Reporter | None = None,
) -> RunReport:
    """Pass images, video and audio through models, into the output folder `out`.

    The same call again infers only what is missing. Read the results with `mediaml.open_results(out)`.

    Args:
        inputs: files, folders, glob patterns and URLs; one or several.
        models: names of models, as in `mediaml plugins list`; one or several.
        out: the output folder; made when it does not exist.
        weights: an ONNX file or a name of `mediaml models list`, or one for each of several models.
        options: by model, the options that `mediaml plugins info NAME` lists, as Python values.
        prompts: texts for models that take some, such as `clip`.
        device: `auto`, `cpu`, `cuda[:N]`, `openvino[:cpu|gpu|npu]`, ...; or several GPUs as `cuda:0,1`.
        precision: `exact` computes in the model's own precision; `fast` may round to bf16, fp16 or TF32 where
            the device has it and the model's accuracy holds.
        kinds: only these kinds of media (`image`, `video`, `audio`).
        recursive: whether folders are entered below their first level.
        include, exclude: glob patterns for the files of folders.
        audio_track: the audio track to read, by number from 1, by language, or `all`; by default the
            default track.
        sampling: which frames are looked at: `mediaml.Sampling`, or the arguments of `Sampling.of`, such as
            `{"every": "1s", "start": 90}`; all by default.
        annotate: whether annotated copies are rendered; by default for models that find boxes or make images.
        track: whether objects are numbered across the frames of videos.
        outputs: names of further formats to write, as `csv`; see docs/export.md.
        force: rerun inference even where results exist. retry_failed: retry only what failed before.
        compare_content: detect changed files by SHA-256, not by size and time of modification.
        on_error: whether to continue after a file fails. max_failures: `"10"` or `"5%"`.
        timeouts: when a file is abandoned. jobs: 0 runs everything in this process, for debuggers.
        batch, threads, readers: frames per batch, threads of ONNX Runtime, files decoded at once.
        memory: for all processes together, bytes or a size such as `"2G"`; by default half of the machine's.
        limits: on each media file. offline: never touch the network. debug: keep tracebacks.
        reporter: receives progress and failures; by default they go to the logger `mediaml`.

    Returns:
        The outcome, failures included: a file that fails does not raise.

    Raises:
        MediamlError: nothing could be done: unknown model or option, device, weights, output folder, inputs.
        KeyboardInterrupt: after what was inferred is committed; the same call continues.
    """
    config = RunConfig(
        selection=Selection(
            tuple(map(str, _several(inputs))),
            recursive=recursive,
            include=_texts(include),
            exclude=_texts(exclude),
            omit=Path(out),
        ),
        models=tuple(dict.fromkeys(_texts(models))),
        output=Path(out),
        weights=_weights(weights),
        options=tuple(_assignments(options or {})),
        prompts=_texts(prompts),
        device=device,
        precision=precision,
        kinds=frozenset(Kind) if kinds is None else frozenset(map(Kind, kinds)),
        annotate=annotate,
        follow=track,
        outputs=_texts(outputs),
        force=force,
        compare_content=compare_content,
        only_failed=retry_failed,
        failure_policy=FailurePolicy.of(on_error, max_failures),
        timeouts=timeouts or Timeouts(),
        jobs=jobs,
        batch=batch,
        threads=threads,
        readers=readers,
        memory=parse_size(memory) if isinstance(memory, str) else memory,
        track=TrackChoice() if audio_track is None else TrackChoice.parse(audio_track),
        sampling=_sampling(sampling),
        limits=limits or Limits(),
        offline=offline,
        debug=debug,
    )
    if not config.models:
        raise UsageError("no model is named.", "For example: mediaml.run(inputs, models=['yolo'])")
    report = run_config(config, reporter or LoggingReporter(), SilentWatcher())
    if report.stopped == "interrupted":
        raise KeyboardInterrupt(report.reason)
    return report


def open_media(
    path: str | Path,
    kind: Kind | str | None = None,
    *,
    audio: AudioInput | None = None,
    limits: Limits | None = None,
) -> Reader:
    """A reader of one image, video or audio file, or of a URL; use it in a `with` block.

    Args:
        kind: read it as this kind; by default as what it is. A video can be read as `audio`.
        audio: windows and features, for audio.

    Returns:
        A reader: `info` (`MediaInfo`), `frames()` (an iterator of `Frame`), `accounts` (what was damaged).

    Raises:
        MediaError: it cannot be opened, or is not a media file.
    """
    location = location_of(str(path))
    found = Kind(kind) if kind is not None else sniff_kind(location, limits or Limits())
    if found is None:
        raise MediaError(f"{path} is not an image, video or audio file.", "Check the file's format.")
    windows = (audio or AudioInput()) if found is Kind.AUDIO else None
    return open_reader(location, found, audio=windows, limits=limits or Limits())


def _sampling(asked: Sampling | Mapping[str, Any] | None) -> Sampling:
    """The sampling of an argument.

    Raises:
        UsageError: it names an argument that there is none of, or see `Sampling.of`.
    """
    if asked is None or isinstance(asked, Sampling):
        return asked or ALL_FRAMES
    known = list(signature(Sampling.of).parameters)
    for name in asked:
        if name not in known:
            hint = suggestion(name, known) or f"It takes: {', '.join(known)}."
            raise UsageError(f"sampling has no {name!r}.", hint)
    return Sampling.of(**asked)


def _several(items: Paths) -> tuple[str | Path, ...]:
    return (items,) if isinstance(items, str | Path) else tuple(items)


def _texts(items: Texts) -> tuple[str, ...]:
    return (items,) if isinstance(items, str) else tuple(items)


def _weights(weights: str | Path | Mapping[str, str | Path] | None) -> tuple[str, ...]:
    if weights is None:
        return ()
    if isinstance(weights, Mapping):
        return tuple(f"{name}={path}" for name, path in weights.items())
    return (str(weights),)


def _assignments(options: Mapping[str, Mapping[str, object]]) -> Iterable[str]:
    """Options as the texts that `-O` takes; lists as JSON, so that their members may hold commas."""
    for model, values in options.items():
        for name, value in values.items():
            yield f"{model}.{name}={_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return json.dumps(list(value), ensure_ascii=False)
    return str(value)
