"""Crossings and stays against shapely's own geometry and times that are known."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from mediaml.core.errors import OutputError, UsageError
from mediaml.core.media import Kind
from mediaml.core.view import View
from mediaml.derive.counts import CountedObject, SourceCounts, count_source, crossed, most_at_once, stayed
from mediaml.derive.lines import Line, crossings
from mediaml.derive.zones import Zone, read_zones, stays
from mediaml.ledger.result_rows import SourceRow
from mediaml.ledger.results import open_results
from mediaml.ledger.track_rows import TrackPoints
from scripts.evaluation.scene import Detector, Thing, even, tracked

STEP_S = 0.5


def points(*paths: list[tuple[float, float]], height: float = 1.0) -> TrackPoints:
    """Objects whose anchors take these paths, one place each half second."""
    tracks = np.concatenate([[], *(np.full(len(path), number) for number, path in enumerate(paths, start=1))])
    frames = np.concatenate([[], *(np.arange(len(path)) for path in paths)])
    x, y = np.array([place for path in paths for place in path], np.float64).reshape(-1, 2).T
    boxes = np.stack([x - 5, y - height, x + 5, y], axis=1)
    many = len(tracks)
    return TrackPoints(
        {0: "car"},
        tracks.astype(np.int64),
        frames.astype(np.int64),
        frames * STEP_S,
        np.full(many, STEP_S),
        np.zeros(many, np.int64),
        np.ones(many),
        boxes,
    )


LINE = Line("line", 100, 100, 300, 100)


def test_a_source_without_tracks_has_no_spans():
    assert points().spans() == []
    assert crossings(points(), LINE, 400, 300) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ([(200, 50), (200, 150)], [("in", 0.25)]),
        ([(200, 150), (200, 50)], [("out", 0.25)]),
        ([(200, 50), (200, 150), (200, 50)], [("in", 0.25), ("out", 0.75)]),
        ([(50, 50), (50, 150)], []),
        ([(99, 50), (99, 150)], []),
        ([(101, 50), (101, 150)], [("in", 0.25)]),
        ([(200, 50), (220, 80), (240, 99)], []),
        # On the line it is on neither side: from above to below is one crossing, back up is none.
        ([(200, 50), (200, 100), (200, 150)], [("in", 0.5)]),
        ([(200, 50), (200, 100), (200, 50)], []),
        # Round the end of the line.
        ([(200, 50), (400, 50), (400, 150), (200, 150)], []),
    ],
)
def test_directions_and_times_of_crossings(path, expected):
    found = crossings(points(path), LINE, 640, 360)
    assert [(one.direction, one.time_s) for one in found] == expected
    turned = crossings(points(path), Line("line", 300, 100, 100, 100), 640, 360)
    other = {"in": "out", "out": "in"}
    assert [(one.direction, one.time_s) for one in turned] == [(other[way], time) for way, time in expected]


def test_a_box_that_trembles_on_the_line_crosses_once():
    shaking = [(200, 60), *[(200, 100 + (-1) ** turn * 3) for turn in range(20)], (200, 160)]
    assert len(crossings(points(shaking, height=40), LINE, 640, 360)) == 1
    assert len(crossings(points(shaking, height=1), LINE, 640, 360)) > 10


coordinates = st.integers(2, 100).map(float)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=8), st.tuples(*[coordinates] * 4))
def test_crossings_are_where_shapely_sees_the_path_cross(path, ends):
    if ends[:2] == ends[2:]:
        return
    line = shapely.LineString([ends[:2], ends[2:]])
    # Off the line by a share that no whole coordinate has, so that no place is on it.
    path = [(x + 0.3137, y + 0.2718) for x, y in path]
    found = crossings(points(path, height=1e-9), Line("line", *ends), 640, 360)
    crossed_pieces = [shapely.LineString(pair).crosses(line) for pair in pairwise(path) if pair[0] != pair[1]]
    assert len(found) == sum(crossed_pieces)


@pytest.mark.parametrize("text", ["1,2,3,4", " 1, 2,3 ,4", "gate=0.1,0.2,0.3,0.4", "a=b=1,2,3,4"])
def test_lines_are_parsed(text):
    line = Line.parse(text, "line 1")
    assert line.name == ("line 1" if "=" not in text else text.rpartition("=")[0])
    assert line.relative == ("0.1" in text)


def test_shares_are_of_the_displayed_size():
    np.testing.assert_allclose(Line("a", 0, 0.5, 1, 0.5).in_pixels(640, 360), [[0, 180], [640, 180]])
    np.testing.assert_allclose(Line("a", 0, 5, 1, 0.5).in_pixels(640, 360), [[0, 5], [1, 0.5]])


RING = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "ring"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]],
                    [[40, 40], [60, 40], [60, 60], [40, 60], [40, 40]],
                ],
            },
        },
        {"type": "Feature", "properties": None, "geometry": {"type": "Point", "coordinates": [1, 1]}},
        {
            "type": "Feature",
            "properties": {},
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [
                    [[[0, 0], [0.5, 0], [0.5, 1], [0, 0]]],
                    [[[0.6, 0], [1, 0], [1, 1], [0.6, 0]]],
                ],
            },
        },
    ],
}


def test_zones_have_names_and_holes(tmp_path):
    path = tmp_path / "zones.geojson"
    path.write_text(json.dumps(RING), "utf-8")
    ring, unnamed = read_zones(path)
    assert (ring.name, ring.relative, unnamed.name, unnamed.relative) == ("ring", False, "zone 2", True)
    found = stays(points([(-5, 50), (10, 50), (50, 50), (70, 50), (200, 50)]), ring, 640, 360)
    # In the hole for half a second: it has left.
    assert [(one.begin_s, one.end_s) for one in found] == [(0.5, 1.0), (1.5, 2.0)]
    found = stays(points([(100, 1), (600, 1)]), unnamed, 640, 360)
    assert [(one.begin_s, one.end_s) for one in found] == [(0.0, 1.0)]


def test_a_moment_outside_is_no_end():
    zone = Zone("zone", shapely.box(0, 0, 100, 100), False)
    path = [(50, 50), (101, 50), (50, 50)]
    quick = points(path)
    assert len(stays(quick, zone, 640, 360)) == 2
    times = np.array([0.0, 0.1, 0.2])
    fast = TrackPoints(
        quick.names,
        quick.tracks,
        quick.frames,
        times,
        np.full(3, 0.1),
        quick.classes,
        quick.scores,
        quick.boxes,
    )
    assert [(one.begin_s, round(one.end_s, 3)) for one in stays(fast, zone, 640, 360)] == [(0.0, 0.3)]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"type": "Feature"}', '{"type":"FeatureCollection","features":3}']
)
def test_what_is_no_zone_is_refused(tmp_path, text):
    (tmp_path / "zone.json").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"zone\.json"):
        read_zones(tmp_path / "zone.json")


def test_most_at_once():
    assert most_at_once([]) == 0
    assert most_at_once([(0, 1), (1, 2), (2, 3)]) == 1
    assert most_at_once([(0, 5), (1, 2), (1.5, 3), (4, 6)]) == 3


def test_the_sums_of_a_source():
    zone = Zone("zone", shapely.box(0, 0, 100, 100), False)
    paths = points([(10, 10), (20, 10)], [(50, 50), (50, 150)], [(500, 50), (510, 50)])
    objects = tuple(CountedObject(number, "car", 0.0, 1.0, 2, 0.9) for number in (1, 2, 3))
    counts = SourceCounts(
        "a.mp4",
        "yolo",
        objects,
        tuple(crossings(paths, Line("gate", 0, 100, 100, 100), 640, 360)),
        tuple(stays(paths, zone, 640, 360)),
    )
    assert crossed(counts) == [("gate", "car", 1, 0)]
    assert stayed(counts) == [("zone", "car", 2, 1.5, 2)]


def test_an_object_has_the_class_that_it_had_most(tmp_path):
    """And of a source whose size is not known no share can be taken."""
    tracked(tmp_path, [Thing("car", 0, 10, 50, 100, 20, 0)], even(10, 10), Detector())
    with open_results(tmp_path) as results:
        (source,) = results.sources()
        (model,) = results.models()
        counts = count_source(results, source, model, [Line("half", 0.0, 0.5, 1.0, 0.5)])
        assert [(one.track, one.label, one.frames) for one in counts.objects] == [(1, "car", 99)]
        assert counts.objects[0].begin_s == pytest.approx(0.1)
        best = counts.objects[0].score
        for asked, number in ((best, 1), (best + 0.001, 0)):
            shown = replace(model, view=View(asked))
            assert len(count_source(results, source, shown).objects) == number
        unknown = SourceRow(source.id, source.path, source.shown, source.name, Kind.VIDEO)
        with pytest.raises(OutputError, match="size of"):
            count_source(results, unknown, model, [Line("half", 0.0, 0.5, 1.0, 0.5)])
        assert count_source(results, unknown, model, [LINE]).objects == counts.objects
