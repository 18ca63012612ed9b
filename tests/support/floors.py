"""The floors of the house: which room stands on which, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """A folder of `mediaml/`, or a file beside them.

    Attributes:
        floor: a file imports from its own room and from rooms of lower floors.
        holds: what is in it, for docs/architecture.md.
    """

    name: str
    floor: int
    holds: str


ROOMS = (
    Room("core", 0, "the nouns: media, frame, prediction, work, view, location, errors"),
    Room("ops", 1, "pure array functions: boxes, fitting, pixels, spectrogram, drawing"),
    Room("media", 2, "files to frames (`image/`, `video/`, `audio/`), and frames to files (`write/`)"),
    Room("onnx", 2, "sessions, execution providers, metadata, golden replay"),
    Room("store", 2, "model files on disk: catalogue, download, verify"),
    Room("darknet", 3, "the importer: Darknet cfg and weights to ONNX"),
    Room("registry", 3, "plugins and their options: entry points to records"),
    Room("plugin", 4, "the one public door for plugin authors"),
    Room("ledger", 4, "the SQLite store: schema, migration, writer, typed reader"),
    Room("derive", 5, "what needs several frames, from the ledger: tracks, counts"),
    Room("compare", 5, "results against other results, and against a ground truth"),
    Room("pipeline", 5, "plan, read, infer: inputs to predictions"),
    Room("testing", 6, "frames, audio and a model runner for the unit tests of plugins"),
    Room("engine", 6, "the `Engine` protocol; `local/` worker processes; `inline` for debuggers"),
    Room("outputs", 7, "what is written from the ledger; `render/` for annotated media"),
    Room("embeddings", 7, "vectors of a ledger: search, duplicates, index"),
    Room("authoring", 7, "`plugins new`: templates; `plugins check`: the conformance kit"),
    Room("app", 8, "the application: config, run, commit, reporter, report"),
    Room("teach", 9, "`train` and `review`: examples to features, head, measures, one ONNX file"),
    Room("cli", 10, "one file per command: parse, call, print"),
    Room("package", 10, "`mediaml.run`, `open_results`, `open_media`"),
)


def table() -> str:
    """The rooms as the Markdown table of docs/architecture.md, one row per floor."""
    lines = ["| floor | room | what it holds |", "| --- | --- | --- |"]
    for room in ROOMS:
        name = {"plugin": "`plugin.py`", "testing": "`testing.py`", "package": "`__init__.py`"}.get(
            room.name, f"`{room.name}/`"
        )
        lines.append(f"| {room.floor} | {name} | {room.holds} |")
    return "\n".join(lines) + "\n"
