"""The clip plugin on small towers of the real architecture, and on the reference's golden figures."""

from __future__ import annotations

import dataclasses
import shutil
import sys

import numpy as np
import pytest
from onnx import TensorProto

from mediaml.core.errors import ModelError, OptionError
from mediaml.media.image.reader import ImageReader
from mediaml.media.video.reader import VideoReader
from mediaml.plugin import Embedding, Label
from mediaml.registry.options import build_options
from mediaml_clip import mediaml_models
from mediaml_clip.model import MEAN, STD, ClipModel
from mediaml_clip.options import ClipOptions, sentences
from mediaml_clip.templates import IMAGENET
from mediaml_clip.text_cache import TextCache, cache_folder
from mediaml_clip.texts import Texts
from mediaml_clip.tokens import Tokens
from scripts.clip_towers import SMALL, Size, image_tower, text_tower
from tests.support.plugins.clip import loaded, picture, small_clip, write

PROMPTS = ("a dog", "a cat", "a diagram")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A text cache of the test's own."""
    monkeypatch.setenv("MEDIAML_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "text-features"


@pytest.fixture(scope="module")
def clip(tmp_path_factory, assets):
    return small_clip(tmp_path_factory.mktemp("clip"), assets)


def answers(model: ClipModel, *seeds: int):
    return list(model.predict([picture(seed) for seed in seeds]))


def as_levels(sample) -> np.ndarray:
    """A normalised sample [3, H, W] back to 0..255, [H, W, 3]."""
    return (sample.transpose(1, 2, 0) * np.array(STD) + np.array(MEAN)) * 255


def test_preprocessing_equals_the_golden_picture(clip, assets):
    golden = np.load(assets / "models" / "clip" / "lakera_expected_preprocessed_image.npy")
    with ImageReader(assets / "models" / "clip" / "franz-kafka.jpg") as reader:
        sample = loaded(clip).prepare(next(iter(reader.frames())))
    assert sample.shape == (3, 224, 224) and sample.dtype == np.float32
    assert np.abs(as_levels(sample) - as_levels(golden[0])).max() <= 1


@pytest.mark.parametrize("name", ["car-detection.mp4", "traffic-mini.mp4"])
def test_a_video_frame_is_preprocessed_as_pillow_would(clip, assets, name):
    from PIL import Image

    with VideoReader(assets / "media" / "video" / name) as reader:
        frame = next(iter(reader.frames()))
        shown = Image.fromarray(frame.image)
        wide = 224 * shown.width // shown.height
        resized = np.asarray(shown.resize((wide, 224), Image.Resampling.BICUBIC), np.float64)
        left = (wide - 224) // 2
        reference = resized[:, left : left + 224]
        exact = as_levels(loaded(clip).prepare(frame))
        fast = as_levels(loaded(clip, resize="fast").prepare(frame))
    assert np.abs(exact - reference).max() <= 1
    # The decoder's scaler has another kernel: single pixels at hard edges differ, the picture does not.
    assert 0 < np.abs(fast - reference).mean() < 0.5


def test_token_ids_are_the_published_ones(assets):
    warnings: list[str] = []
    tokens = Tokens(assets / "models" / "clip" / "tokenizer.json", warnings.append)
    assert tokens.ids(["a photo of a cat"]).tolist() == [[49406, 320, 1125, 539, 320, 2368, 49407]]
    padded = tokens.ids(["A  Photo of a CAT", "dog"])
    assert padded[0].tolist() == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert padded[1].tolist() == [49406, 1929, 49407, 0, 0, 0, 0]
    assert not warnings


def test_a_long_text_is_cut_with_a_warning(assets):
    warnings: list[str] = []
    tokens = Tokens(assets / "models" / "clip" / "tokenizer.json", warnings.append)
    ids = tokens.ids(["dog " * 75, "dog " * 76])
    assert ids.shape == (2, 77) and ids[0].tolist() == ids[1].tolist()
    assert ids[1, 0] == 49406 and ids[1, -1] == 49407
    assert len(warnings) == 1 and "78 tokens" in warnings[0]


def test_without_the_tokenizer_package_the_mend_is_named(clip, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ModelError, match=r"pip install 'mediaml\[clip\]'"):
        loaded(clip, prompts=PROMPTS)


def test_frames_are_embedded_and_labelled(clip):
    model = loaded(clip, prompts=PROMPTS)
    for answer in answers(model, 1, 2):
        *labels, embedding = answer
        assert isinstance(embedding, Embedding) and embedding.vector.shape == (SMALL.dimensions,)
        assert np.linalg.norm(embedding.vector) == pytest.approx(1, abs=1e-6)
        assert {label.name for label in labels} == set(PROMPTS)
        assert sum(label.score for label in labels) == pytest.approx(1, abs=1e-6)
        assert [label.score for label in labels] == sorted((label.score for label in labels), reverse=True)
        logits = 100 * model.embed_texts(PROMPTS).astype(np.float64) @ embedding.vector
        wanted = dict(zip(PROMPTS, np.exp(logits) / np.exp(logits).sum(), strict=True))
        assert {label.name: label.score for label in labels} == pytest.approx(wanted, abs=1e-5)


def test_without_prompts_no_text_tower_is_needed(tmp_path):
    model = loaded(write(tmp_path, vision_model=image_tower(SMALL)))
    (answer,) = answers(model, 1)
    assert len(answer) == 1 and isinstance(answer[0], Embedding)
    with pytest.raises(ModelError, match="no text tower"):
        model.embed_texts(["a dog"])


def test_one_prompt_is_scored_against_the_background(clip):
    behind = ("a photo", "a picture")
    (first,) = answers(loaded(clip, prompts=("dog",), template="a {}", background=behind), 1)
    label, embedding = first
    texts = loaded(clip).embed_texts(["a dog", *behind]).astype(np.float64)
    powers = np.exp(100 * texts @ embedding.vector)
    assert isinstance(label, Label) and label.score == pytest.approx(powers[0] / powers.sum(), abs=1e-4)


def test_top_threshold_and_embeddings_limit_the_answer(clip):
    (answer,) = answers(loaded(clip, prompts=PROMPTS, top=1, embeddings=False), 1)
    assert len(answer) == 1 and isinstance(answer[0], Label)
    assert answers(loaded(clip, prompts=PROMPTS, threshold=1.0, embeddings=False), 1) == [()]


def test_the_ensemble_is_the_mean_of_its_sentences(clip):
    assert len(set(IMAGENET)) == 80 and all(template.count("{}") == 1 for template in IMAGENET)
    single = loaded(clip).embed_texts(sentences(["dog"], IMAGENET))
    mean = single.mean(axis=0)
    ensemble = loaded(clip, template="ensemble").embed_texts(["dog"])
    assert ensemble[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_padding_batching_and_the_mask_change_nothing(tmp_path, assets):
    texts = ["dog", "a photo of a cat", "!", "a rather long sentence about nothing at all"]
    variants = {
        "free": text_tower(SMALL),
        "masked": text_tower(SMALL, masked=True),
        "fixed": text_tower(SMALL, tokens=77, integer=TensorProto.INT32),
    }
    found = []
    for name, tower in variants.items():
        folder = write(tmp_path / name, assets, image=image_tower(SMALL), text=tower)
        model = loaded(folder)
        found += [model.embed_texts(texts), np.concatenate([model.embed_texts([text]) for text in texts])]
    for other in found[1:]:
        assert other == pytest.approx(found[0], abs=1e-5)


@pytest.mark.parametrize(
    "names",
    [
        ("onnx__vision_model", "onnx__text_model"),
        ("vision_model_quantized", "text_model_quantized"),
        ("visual", "textual"),
        ("clip_image_model", "clip_text_model"),
        ("a", "b"),
        ("b", "a"),
    ],
)
def test_layouts_are_told_apart(tmp_path, assets, names):
    image, text = names
    folder = write(tmp_path, assets, **{image: image_tower(SMALL), text: text_tower(SMALL)})
    assert loaded(folder, prompts=PROMPTS).tower.sense == "image"
    assert loaded(folder / f"{image.replace('__', '/')}.onnx", prompts=PROMPTS).prompts is not None


def test_the_preprocessor_file_is_obeyed(tmp_path, assets):
    folder = write(tmp_path, vision_model=image_tower(SMALL))
    published = loaded(folder).input
    shutil.copyfile(
        assets / "models" / "clip" / "preprocessor_config.json", folder / "preprocessor_config.json"
    )
    assert loaded(folder).input == published
    (folder / "preprocessor_config.json").write_text('{"crop_size": 336, "image_std": [1, 1, 1]}')
    assert loaded(folder).input == dataclasses.replace(published, width=336, height=336, std=(1, 1, 1))
    (folder / "preprocessor_config.json").write_text("[]")
    with pytest.raises(ModelError, match="cannot be used"):
        loaded(folder)


def test_of_several_towers_the_plain_one_is_taken(tmp_path):
    towers = {"vision_model": image_tower(SMALL), "vision_model_quantized": image_tower(SMALL, seed=9)}
    folder = write(tmp_path / "one", **towers)
    assert loaded(folder).session.name.endswith("vision_model.onnx")
    (folder / "vision_model.onnx").rename(folder / "vision_model_uint8.onnx")
    with pytest.raises(ModelError, match="several image towers"):
        loaded(folder)


def test_towers_that_do_not_fit_are_refused(tmp_path, assets):
    wide = Size(image_width=32, image_heads=4, text_width=24, text_heads=4, layers=1, dimensions=24)
    folder = write(tmp_path, assets, vision_model=image_tower(SMALL), text_model=text_tower(wide))
    with pytest.raises(ModelError, match="do not belong together"):
        loaded(folder, prompts=PROMPTS)
    with pytest.raises(ModelError, match="is the text tower"):
        loaded(folder / "text_model.onnx")
    with pytest.raises(ModelError, match="holds no ONNX file"):
        loaded(tmp_path / "cache")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="is not a tokenizer"):
        loaded(folder, prompts=PROMPTS)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer\.json beside"):
        loaded(folder, prompts=PROMPTS)


def test_another_graph_is_no_tower(tmp_path):
    from scripts.square_finder import save_square_finder

    with pytest.raises(ModelError, match="is not a CLIP tower"):
        loaded(save_square_finder(tmp_path / "square.onnx"))


def test_text_features_are_cached_by_tower_and_mended(clip, cache, tmp_path, assets, monkeypatch):
    first = loaded(clip).embed_texts(PROMPTS)
    (kept,) = cache.rglob("*.npy")
    with monkeypatch.context() as patched:
        patched.setattr(Texts, "_embed", lambda *_: pytest.fail("the text tower was asked again"))
        assert np.array_equal(loaded(clip).embed_texts(PROMPTS), first)
    kept.write_bytes(kept.read_bytes()[:-5])
    assert np.array_equal(loaded(clip).embed_texts(PROMPTS), first)
    other = write(tmp_path / "other", assets, image=image_tower(SMALL), text=text_tower(SMALL, seed=3))
    assert not np.allclose(loaded(other).embed_texts(PROMPTS), first)
    assert len(list(cache.rglob("*.npy"))) == 2 and not list(cache.rglob("*.part"))


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = TextCache(tmp_path / "file", "0" * 64)
    path = cache.path(np.zeros((1, 2), np.int64), 1)
    cache.save(path, np.zeros((1, 4), np.float32))
    assert cache.load(path, 1) is None
    assert cache_folder({"MEDIAML_CACHE": str(tmp_path)}) == tmp_path / "text-features"


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"prompts": '["", "dog"]'}, "prompt is empty"),
        ({"template": "a photo"}, "no {} where"),
        ({"scores": "sigmoid"}, "sigmoid"),
        ({"background": "[]", "scores": "background"}, "background text"),
        ({"promts": "a"}, "Did you mean 'prompts'"),
    ],
)
def test_wrong_options_are_refused(texts, says):
    (spec,) = mediaml_models()
    with pytest.raises(OptionError, match=says):
        build_options(spec, texts)


def test_prompts_may_hold_commas_in_json():
    (spec,) = mediaml_models()
    assert build_options(spec, {"prompts": "a dog, a cat"}) == ClipOptions(prompts=("a dog", "a cat"))
    assert build_options(spec, {"prompts": '["a dog, asleep"]'}) == ClipOptions(prompts=("a dog, asleep",))
