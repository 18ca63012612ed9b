"""When prepared frames are a batch: what saves time, and no more memory than that."""

import pytest

from mediaml.pipeline.batch_size import CACHED_WEIGHTS, CPU_BYTES, batch_bytes, is_batch


@pytest.mark.parametrize(
    ("devices", "weights", "sample", "frames"),
    [
        (("cpu",), 1 << 20, 28 * 28 * 4, 4),  # small frames: calls cost most
        (("cpu",), 1 << 20, 192 * 320 * 3, 1),  # a detector's frame
        (("cpu",), 1 << 20, CPU_BYTES // 3 + 1, 3),
        (("cpu",), CACHED_WEIGHTS + 1, 224 * 224 * 12, 4),  # weights that are read again for every batch
        (("cuda:0", "cuda:1"), 1 << 20, 640 * 640 * 3, 4),
        ((), 1 << 20, 640 * 640 * 3, 4),  # nothing is known of what the model runs on
    ],
)
def test_a_batch_is_as_large_as_saves_time(devices, weights, sample, frames, tmp_path):
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(weights)
    bound = batch_bytes(devices, path)
    assert next(count for count in range(1, 20) if is_batch(count, count * sample, 4, bound)) == frames
