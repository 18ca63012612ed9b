"""`classify`, `embed`, `listen` and `transform` as a user meets them: a file, and what lies beside it."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from mediaml.core.errors import ModelError
from mediaml.core.prediction import Prediction
from mediaml_onnx.label_sets import audio_sets, image_sets
from scripts.described_graphs import (
    build,
    classifier,
    embedder,
    inverter,
    picture,
    waveform_classifier,
    yamnet_like,
)
from tests.support.command_line import results
from tests.support.plugins.described import frame_of, opened, saved

TEN = json.dumps([f"kind {index}" for index in range(10)])


def labels(line: dict[str, object]) -> dict[str, float]:
    return {str(found["label"]): float(found["score"]) for found in line["labels"]}  # type: ignore[attr-defined]


def write_wave(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((samples.clip(-1, 1) * 32_767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(("ending", "means"), [("", "softmax"), ("Softmax", "none"), ("Sigmoid", "none")])
def test_softmax_is_applied_where_the_graph_does_not_end_with_it(ending, means, tmp_path: Path) -> None:
    plain = opened("classify", saved(classifier(), tmp_path / "plain.onnx"))
    frame = frame_of(picture(), tmp_path)
    (logits,) = plain.run(plain.prepare(frame)[None])
    model = opened("classify", saved(classifier(ending=ending), tmp_path / "m.onnx"), top="10", min_score="0")
    answered = {label.name: label.score for label in Prediction.of(model.predict([frame])[0]).labels}
    raised = np.exp(logits[0].astype(np.float64))
    expected = raised / (1 + raised) if ending == "Sigmoid" else raised / raised.sum()
    for index, score in enumerate(expected):
        if str(index) in answered:
            assert abs(answered[str(index)] - score) < 1e-5
    assert list(answered.values()) == sorted(answered.values(), reverse=True)
    assert len(answered) >= 9


def test_a_run_with_labels_views_and_another_description(tmp_path: Path, mediaml) -> None:
    model = saved(classifier(), tmp_path / "m.onnx", labels__txt="\n".join(json.loads(TEN)))
    Image.fromarray(picture()).save(tmp_path / "p.png")
    run = ("run", "-p", "classify", "-m", model, "p.png", "-o", "out", "--device", "cpu")
    first = mediaml(*run, "-O", "classify.top=2")
    assert first.code == 0 and "crop of the middle guessed" in first.err
    two = labels(results(tmp_path / "out")[-1])
    assert len(two) == 2 and all(name.startswith("kind ") for name in two)
    more = mediaml(*run, "-O", "classify.top=4", "-O", "classify.min_score=0.001")
    assert more.code == 0 and len(labels(results(tmp_path / "out")[-1])) == 4
    assert "1 already up to date" in more.err
    (tmp_path / "m.toml").write_text(
        'labels = "labels.txt"\n[image]\nfit = "stretch"\nmean = [0.0]\nstd = [1.0]\n'
    )
    changed = mediaml(*run, "-O", "classify.top=2")
    assert changed.code == 0 and "guessed" not in changed.err
    assert labels(results(tmp_path / "out")[-1]) != two
    (tmp_path / "labels.txt").write_text("\n".join(f"class {index}" for index in range(10)))
    assert mediaml(*run).code == 0
    assert all(name.startswith("class ") for name in labels(results(tmp_path / "out")[-1]))


@pytest.mark.parametrize(
    ("text", "what", "way_on"),
    [
        (
            "[image]\nfit = 'crop'\nwidht = 3",
            "line 3: [image] has no field 'widht'.",
            "Did you mean 'width'?",
        ),
        ("[image]\nwidth = 'a'", "line 2: image.width: Expected `int`, got `str`", "bring-your-own"),
        ("\n[image]\nfit = 'cropp'", "line 3: image.fit cannot be 'cropp'.", "Did you mean 'crop'?"),
        ("width = 3", "line 1: there is no 'width'.", "It belongs below [image]."),
        ("[imag]\na = 1", "line 1: there is no 'imag'.", "Did you mean 'image'?"),
        ("image = 3", "line 1: image is a table.", "[image]"),
        ("labels = ['a']", "has 10 classes, but m.toml names 1.", "one name per class"),
        ("labels = 'none.txt'", "none.txt cannot be read: No such file", "Check it"),
        ("labels = 3", "labels are a list of names, or the name of a file.", 'labels = ["a", "b"]'),
        ("[image]\nwidth = 256", "is described as taking [?, 3, 224, 256].", "Correct the sizes in m.toml"),
        ("[image]\nmean = [1.0, 2.0]", "a mean of 2 channels", "m.toml"),
        ("[image]\nstd = [0.0]", "std must be positive", "Correct it in m.toml"),
        ("a = x", "is not TOML: Invalid value (at line 1, column 5)", "quotes"),
        ("[output]\nname = 'logit'", "has no output 'logit', which m.toml names.", "Did you mean 'logits'?"),
        ("[audio]\nmels = 3", "is described as a model of audio.", "Use -p listen."),
        ("[output]\nmeans = 'probabilities'", "which are no probabilities.", 'means = "logits"'),
    ],
)
def test_wrong_descriptions_are_refused_with_place_and_way_on(text, what, way_on, tmp_path: Path) -> None:
    path = saved(classifier(), tmp_path / "m.onnx", toml=text)
    with pytest.raises(ModelError) as refused:
        opened("classify", path).predict([frame_of(picture(), tmp_path)])
    assert what in refused.value.message and way_on in refused.value.hint
    assert len(str(refused.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("task", "made", "what", "way_on"),
    [
        ("classify", waveform_classifier(), "takes waveform float32 [?, ?], which is no image", "-p listen"),
        ("classify", embedder(), "has no output of scores [batch, classes] (image_embeds", "-p detect"),
        ("classify", inverter(), "has no output of scores", "-p detect"),
        ("transform", classifier(), "has no output of an image", "-p detect"),
        ("listen", classifier(), "takes images (pixel_values", "-p classify"),
        (
            "listen",
            build(
                [helper.make_node("ReduceMean", ["x"], ["y"], axes=[2], keepdims=0)],
                [("x", TensorProto.FLOAT, ["n", 40, 100])],
                [("y", TensorProto.FLOAT, ["n", 40])],
                {},
            ),
            "nothing says how audio becomes that",
            "[audio]",
        ),
        (
            "classify",
            build(
                [helper.make_node("Add", ["x", "s"], ["y"])],
                [("x", TensorProto.FLOAT, [1, 3, 8, 8]), ("s", TensorProto.FLOAT, [1])],
                [("y", TensorProto.FLOAT, [1, 3, 8, 8])],
                {},
            ),
            "takes 2 inputs",
            "docs/plugins.md",
        ),
        (
            "classify",
            build(
                [
                    helper.make_node("ReduceMean", ["x"], ["a"], axes=[2, 3], keepdims=0),
                    helper.make_node("Neg", ["a"], ["b"]),
                ],
                [("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
                [("a", TensorProto.FLOAT, ["n", 3]), ("b", TensorProto.FLOAT, ["n", 3])],
                {},
            ),
            "has several outputs that may be meant",
            '[output], name = "a"',
        ),
    ],
)
def test_graphs_of_another_kind_are_refused_with_the_way_on(task, made, what, way_on, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as refused:
        opened(task, saved(made, tmp_path / "m.onnx"))
    assert what in refused.value.message and way_on in refused.value.hint


def test_other_formats_are_named(tmp_path: Path, mediaml) -> None:
    Image.fromarray(picture()).save(tmp_path / "p.png")
    for name, what in {"m.pt": "a PyTorch file", "m.tflite": "TensorFlow Lite"}.items():
        (tmp_path / name).write_bytes(b"x")
        refused = mediaml("run", "-p", "classify", "-m", name, "p.png", "-o", "out", "--device", "cpu")
        assert refused.code == 4 and what in refused.err


def test_an_audio_graph_given_to_classify_ends_in_two_lines(tmp_path: Path, mediaml) -> None:
    saved(waveform_classifier(), tmp_path / "m.onnx")
    Image.fromarray(picture()).save(tmp_path / "p.png")
    refused = mediaml("run", "-p", "classify", "-m", "m.onnx", "p.png", "-o", "out", "--device", "cpu")
    assert refused.code == 4 and "Use -p listen." in refused.err and "Traceback" not in refused.err


def test_known_lists_by_their_number(tmp_path: Path) -> None:
    said: list[str] = []
    model = opened("classify", saved(classifier(classes=1000), tmp_path / "m.onnx"), said.append)
    assert model.labels[207] == "golden retriever" and len(model.labels) == 1000
    assert "labels of ImageNet-1k guessed: 1000 classes" in said[0]
    background = opened("classify", saved(classifier(classes=1001), tmp_path / "m.onnx"), said.append)
    assert background.labels[208] == "golden retriever"
    full, yamnet = audio_sets().values()
    # Positions of the published class maps of AudioSet and YAMNet.
    assert (full[0], full[137], full[500], len(full)) == ("Speech", "Music", "Silence", 527)
    assert (yamnet[0], yamnet[132], yamnet[494], len(yamnet)) == ("Speech", "Music", "Silence", 521)
    assert [len(names) for names in image_sets().values()] == [1000, 1001]


def test_metadata_describes_as_toml_does(tmp_path: Path) -> None:
    said = {
        "mediaml.input": json.dumps(
            {"width": 224, "height": 224, "fit": "stretch", "std": [0.5], "crop_pct": 1.0}
        ),
        "mediaml.output": json.dumps({"means": "sigmoid"}),
        "mediaml.labels": TEN,
    }
    model = opened("classify", saved(classifier(metadata=said), tmp_path / "m.onnx"))
    assert model.input.std == (0.5,) and model.labels[3] == "kind 3" and model.described.means == "sigmoid"
    over = opened(
        "classify", saved(classifier(metadata=said), tmp_path / "m.onnx", toml="[image]\nstd = [2.0]")
    )
    assert over.input.std == (2.0,) and over.input.fit == "stretch"
    wrong = classifier(metadata={"mediaml.input": '{"width": 224, "height": 224, "widht": 3}'})
    with pytest.raises(ModelError, match="widht"):
        opened("classify", saved(wrong, tmp_path / "w.onnx"))


def test_fixed_batches_channels_last_and_half_precision(tmp_path: Path, mediaml) -> None:
    for index, size in enumerate([(64, 48), (90, 50), (33, 77)]):
        Image.fromarray(picture(*size)).save(tmp_path / f"{index}.png")
    saved(classifier(batch=2), tmp_path / "two.onnx")
    done = mediaml(
        "run",
        "-p",
        "classify",
        "-m",
        "two.onnx",
        *sorted(tmp_path.glob("*.png")),
        "-o",
        "out",
        "--device",
        "cpu",
    )
    assert done.code == 0 and "3 of 3 files done" in done.err
    last = opened("classify", saved(classifier(layout="NHWC"), tmp_path / "last.onnx"))
    assert last.input.layout == "NHWC" and last.prepare(frame_of(picture(), tmp_path)).min() >= -1
    half = build(
        [helper.make_node("ReduceMean", ["x"], ["logits"], axes=[2, 3], keepdims=0)],
        [("x", TensorProto.FLOAT16, ["n", 3, 8, 8])],
        [("logits", TensorProto.FLOAT16, ["n", 3])],
        {},
    )
    model = opened("classify", saved(half, tmp_path / "half.onnx"))
    assert len(Prediction.of(model.predict([frame_of(picture(), tmp_path)])[0]).labels) == 3


def test_embeddings_are_searched_and_compared(tmp_path: Path, mediaml) -> None:
    saved(embedder(), tmp_path / "e.onnx")
    for name, size in {"a": (200, 200), "b": (200, 200), "c": (60, 300)}.items():
        Image.fromarray(picture(*size)).save(tmp_path / f"{name}.png")
    done = mediaml(
        "run", "-p", "embed", "-m", "e.onnx", "a.png", "b.png", "c.png", "-o", "out", "--device", "cpu"
    )
    assert done.code == 0
    twins = mediaml("duplicates", "out")
    assert "a.png" in twins.out and "b.png" in twins.out and "c.png" not in twins.out
    near = mediaml("search", "out", "-m", "e.onnx", "--image", "a.png", "--device", "cpu")
    assert near.code == 0 and "a.png" in near.out.splitlines()[1] and "c.png" in near.out.splitlines()[2]


def test_pools_of_token_vectors(tmp_path: Path) -> None:
    net = build(
        [helper.make_node("Reshape", ["x", "shape"], ["last_hidden_state"])],
        [("x", TensorProto.FLOAT, ["n", 3, 4, 4])],
        [("last_hidden_state", TensorProto.FLOAT, ["n", 12, 4])],
        {"shape": np.array([0, 12, 4], np.int64)},
    )
    frame = frame_of(picture(), tmp_path)
    first = opened("embed", saved(net, tmp_path / "m.onnx"), unit="false")
    (tokens,) = first.run(first.prepare(frame)[None])
    np.testing.assert_allclose(first.predict([frame])[0].vector, tokens[0, 0])
    mean = opened("embed", saved(net, tmp_path / "m.onnx", toml="[output]\npool = 'mean'"))
    vector = mean.predict([frame])[0].vector
    expected = tokens[0].mean(axis=0)
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), rtol=1e-5)


YAMNET = """
[audio]
sample_rate = 16000
window_s = 0.975
hop_s = 0.48
band = [125.0, 7500.0]
power = 1
scale = "htk"
triangles = "mel"
norm = "none"
offset = 0.001
layout = "TF"
"""


def test_an_audio_model_by_toml_alone(tmp_path: Path, mediaml) -> None:
    rate = 16_000
    time = np.arange(2 * rate) / rate
    # Voiced syllables: a pitch with harmonics, four times a second.
    voice = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    syllables = 0.1 * voice * np.clip(np.sin(2 * np.pi * 4 * time), 0, 1)
    write_wave(tmp_path / "voice.wav", syllables)
    write_wave(tmp_path / "tone.wav", 0.3 * np.sin(2 * np.pi * 1000 * time))
    write_wave(tmp_path / "still.wav", np.zeros(2 * rate))
    model = saved(yamnet_like(), tmp_path / "y.onnx", toml=YAMNET)
    for name, expected in {"voice": "Speech", "tone": "Sine wave", "still": "Silence"}.items():
        done = mediaml(
            "run", "-p", "listen", "-m", model, f"{name}.wav", "-o", f"out-{name}", "--device", "cpu"
        )
        assert done.code == 0 and "log-mels guessed" not in done.err
        lines = [labels(line) for line in results(tmp_path / f"out-{name}") if "labels" in line]
        assert len(lines) == 4 and all(max(line, key=line.__getitem__) == expected for line in lines[:3])
    embedding = saved(yamnet_like(), tmp_path / "v.onnx", toml=YAMNET + '[output]\nmeans = "embedding"\n')
    assert opened("listen", embedding).described.output["name"].value == "embeddings"


def test_waveforms_with_and_without_a_batch(tmp_path: Path, mediaml) -> None:
    loud = 0.5 * np.sin(np.arange(24_000) / 5)
    write_wave(tmp_path / "a.wav", np.concatenate([loud[:16_000], np.zeros(16_000)]))
    for name, made in {"batch": waveform_classifier(), "alone": waveform_classifier(batched=False)}.items():
        saved(made, tmp_path / f"{name}.onnx", toml='labels = ["loud", "quiet"]')
        done = mediaml("run", "-p", "listen", "-m", f"{name}.onnx", "a.wav", "-o", name, "--device", "cpu")
        assert done.code == 0 and "16 kHz in windows of 1 s guessed" in done.err
        heard = [labels(line) for line in results(tmp_path / name) if "labels" in line]
        assert [max(one, key=one.__getitem__) for one in heard] == ["loud", "quiet"]


@pytest.mark.parametrize(("free", "factor"), [(True, 1), (True, 2), (False, 3)])
def test_pictures_are_transformed_in_the_graphs_size(free, factor, tmp_path: Path) -> None:
    model = opened("transform", saved(inverter(free=free, factor=factor), tmp_path / "m.onnx"))
    shown = picture(48, 32)
    made = Prediction.of(model.predict([frame_of(shown, tmp_path)])[0]).picture
    assert made is not None and made.image.shape == (32 * factor, 48 * factor, 3)
    np.testing.assert_allclose(made.image[::factor, ::factor].astype(int), 255 - shown.astype(int), atol=1)
