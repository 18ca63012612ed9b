"""What is left to do, of sources and of models."""

from __future__ import annotations

from mediaml.core.media import Kind
from mediaml.core.work import Failure, Source, Task
from mediaml.ledger.encoding import TaskRecord
from mediaml.ledger.progress import ProgressRow
from mediaml.ledger.results import open_results
from tests.ledger.conftest import MODEL, NEWER, OTHER, result, source


def test_progress_tells_where_to_go_on(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    assert not ledger.task_progress(*ids).complete
    ledger.commit(
        [result(Task(*ids, 0), range(5), last=False), result(Task(*ids, 3), range(5, 7), last=False)]
    )
    progress = ledger.task_progress(*ids)
    assert (progress.next_slice, progress.frames, progress.complete) == (4, 7, False)
    ledger.commit([result(Task(*ids, 4), range(7, 8))])
    assert ledger.task_progress(*ids).complete


def test_a_failure_is_kept_apart_and_dropped_before_another_try(ledger):
    ids = ledger.add_source(source("a.mp4")), ledger.add_model(MODEL)
    failure = Failure("open", "MediaError", "it is empty.")
    ledger.commit([TaskRecord(Task(*ids, 0), failure=failure)])
    assert ledger.task_progress(*ids).failure == failure
    with open_results(ledger.folder) as results:
        assert [row.failure for row in results.failures()] == [failure]
        assert results.progress() == [ProgressRow("cats", 0, 1, 0, 0, 0, 0)]
    ledger.supersede(*ids, restart=False)
    assert ledger.task_progress(*ids).failure is None


def test_identities_and_versions_are_counted_apart(ledger, tmp_path):
    files = []
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (tmp_path / name).write_bytes(b"0123456789")
        stat = (tmp_path / name).stat()
        files.append(Source(tmp_path / name, name, name, stat.st_size, stat.st_mtime_ns, named=True))
    first, second, _ = [ledger.add_source(one, Kind.VIDEO) for one in files]
    old, other, new = (ledger.add_model(model) for model in (MODEL, OTHER, NEWER))
    ledger.commit([result(Task(one, old, 0), range(2)) for one in (first, second)])
    ledger.commit([result(Task(first, other, 0), range(5))])
    ledger.supersede(first, new, restart=False)
    ledger.commit([result(Task(first, new, 0), range(3))])
    with open_results(ledger.folder) as results:
        rows = results.progress()
    assert rows == [
        ProgressRow("cats", 1, 0, 0, 1, 1, 5, "cats.onnx", current=True),
        ProgressRow("cats", 1, 0, 0, 0, 0, 5, "more.onnx", current=False),
    ]
