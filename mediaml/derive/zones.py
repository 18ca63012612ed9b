"""When the objects of a source are inside a zone: polygons from GeoJSON, in pixels or shares of the size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mediaml.core.errors import UsageError
from mediaml.derive.lines import anchors
from mediaml.ledger.track_rows import TrackPoints

_GAP_S = 0.5
"""An object that is back after less than this has not left."""


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A named area.

    Attributes:
        name: what it is called in the output.
        area: a polygon or several of shapely, holes left out, in displayed source pixels.
        relative: whether it is in shares of the source's size, 0..1, instead.
    """

    name: str
    area: Any = field(repr=False)
    relative: bool

    def rings(self) -> list[NDArray[np.float64]]:
        """The outlines of the area and of its holes, each float64 [points, 2], closed, in its own units."""
        polygons = getattr(self.area, "geoms", [self.area])
        rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
        return [np.asarray(ring.coords, np.float64)[:, :2] for ring in rings]


@dataclass(frozen=True, slots=True)
class Stay:
    """An object was in a zone from `begin_s` to `end_s`, seconds.

    Attributes:
        track: the object's number. zone: the zone's name.
    """

    track: int
    zone: str
    begin_s: float
    end_s: float


def read_zones(path: Path) -> list[Zone]:
    """The polygons of a GeoJSON file, named by their property `name`.

    Raises:
        UsageError: it cannot be read, or holds none; or the package shapely is not installed.
    """
    try:
        record = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Name a GeoJSON file.") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not GeoJSON: {error}.") from error
    zones = [
        _zone(geometry, name or f"zone {number}", path)
        for number, (geometry, name) in enumerate(_features(record), start=1)
    ]
    if not zones:
        raise UsageError(f"{path} holds no polygon.", "Zones are of type Polygon or MultiPolygon.")
    return zones


def _features(record: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The geometries of a GeoJSON object, each with its name."""
    if record.get("type") == "FeatureCollection":
        features = record.get("features")
        parts = features if isinstance(features, list) else []
    else:
        parts = [record]
    for part in parts:
        if not isinstance(part, dict):
            continue
        known = part.get("properties") if part.get("type") == "Feature" else None
        geometry = part.get("geometry") if part.get("type") == "Feature" else part
        if isinstance(geometry, dict) and geometry.get("type") in ("Polygon", "MultiPolygon"):
            name = known.get("name") if isinstance(known, dict) else None
            yield geometry, "" if name is None else str(name)


def _zone(geometry: dict[str, Any], name: str, path: Path) -> Zone:
    try:
        import shapely
    except ImportError as error:
        raise UsageError(
            "zones need the package shapely.", 'Install it: pip install "mediaml[track]"'
        ) from error
    try:
        area = shapely.geometry.shape(geometry)
        reason = "" if area.is_valid else shapely.is_valid_reason(area)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        shapely.errors.ShapelyError,
    ) as error:
        raise UsageError(f"the zone {name!r} in {path} is not a polygon: {error}.") from error
    if reason or area.is_empty:
        raise UsageError(f"the zone {name!r} in {path} is not a polygon: {reason or 'it is empty'}.")
    left, top, right, bottom = area.bounds
    return Zone(name, area, min(left, top) >= 0.0 and max(right, bottom) <= 1.0)


def stays(points: TrackPoints, zone: Zone, width: float, height: float) -> list[Stay]:
    """Every stay of an object in a zone, by object, then by time.

    It lasts from the first frame in which the middle of the lower edge of the box is inside to the end of the
    last; frames in which the object was not found are no end.

    Args:
        width, height: of the source, pixels.
    """
    import shapely

    places = anchors(points.boxes)
    if zone.relative:
        places = places / np.array([width, height])
    inside = shapely.contains_xy(zone.area, places[:, 0], places[:, 1])
    return [
        Stay(track, zone.name, *span)
        for track, rows in points.spans()
        for span in _spans(points, inside, range(rows.start, rows.stop))
    ]


def _spans(points: TrackPoints, inside: Any, rows: Sequence[int]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    going = False
    for row in rows:
        if inside[row]:
            begin, end = float(points.times[row]), float(points.times[row] + points.durations[row])
            back = spans and (going or begin - spans[-1][1] < _GAP_S)
            if back:
                begin = spans.pop()[0]
            spans.append((begin, end))
        going = bool(inside[row])
    return spans
