"""Small networks of Hugging Face's detectors, with seeded weights, and their image processors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

NAMES = ("cat", "dog", "bird")
SIZE, QUERIES = 160, 100
_SMALL: Mapping[str, Any] = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_queries": QUERIES,
}  # fmt: skip
_HYBRID: Mapping[str, Any] = {
    "encoder_hidden_dim": 32, "d_model": 32, "decoder_layers": 2, "num_queries": QUERIES,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "decoder_in_channels": [32, 32, 32], "encoder_in_channels": [64, 64, 64], "num_feature_levels": 3,
    "encoder_layers": 1, "num_denoising": 0,
}  # fmt: skip
_RESNET: Mapping[str, Any] = {"embedding_size": 16, "hidden_sizes": [16, 64, 64, 64], "depths": [1, 1, 1, 1]}
_HGNET: Mapping[str, Any] = {
    "embedding_size": 16, "hidden_sizes": [32, 64, 64, 64], "depths": [1, 1, 1, 1],
    "stem_channels": [3, 16, 16], "stage_in_channels": [16, 32, 64, 64], "stage_num_blocks": [1, 1, 1, 1],
    "stage_mid_channels": [16, 16, 16, 16], "stage_out_channels": [32, 64, 64, 64],
    "stage_numb_of_layers": [1, 1, 1, 1],
}  # fmt: skip
_STAGES = ["stage2", "stage3", "stage4"]


def model_and_processor(name: str) -> tuple[Any, Any]:
    """A small network and its image processor, by the name of its case."""
    import transformers as hf

    labels = {"id2label": dict(enumerate(NAMES)), "label2id": {label: i for i, label in enumerate(NAMES)}}
    build = _BUILDERS.get(name, _rt_detr)
    config, kind, processor = build(hf, labels, name)
    stretched = {"size": {"height": SIZE, "width": SIZE}, "do_pad": False}
    return getattr(hf, f"{kind}ForObjectDetection")(config), processor(**stretched)


def _detr(hf: Any, labels: Mapping[str, Any], name: str) -> tuple[Any, str, Any]:
    backbone = hf.ResNetConfig(**_RESNET, out_features=["stage4"], layer_type="basic")
    kind = "Detr" if name == "hf-detr" else "ConditionalDetr"
    config = getattr(hf, f"{kind}Config")(
        **_SMALL,
        **labels,
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone_config=backbone,
    )
    return config, kind, getattr(hf, f"{kind}ImageProcessor")


def _rt_detr(hf: Any, labels: Mapping[str, Any], name: str) -> tuple[Any, str, Any]:
    backbone = hf.RTDetrResNetConfig(**_RESNET, out_features=_STAGES, layer_type="basic")
    kind = "RTDetrV2" if name == "hf-rt-detr-v2" else "RTDetr"
    config = getattr(hf, f"{kind}Config")(**_HYBRID, **labels, backbone_config=backbone)
    return config, kind, hf.RTDetrImageProcessor


def _d_fine(hf: Any, labels: Mapping[str, Any], name: str) -> tuple[Any, str, Any]:
    backbone = hf.HGNetV2Config(**_HGNET, out_features=_STAGES)
    kind = "DFine" if name == "hf-d-fine" else "Deimv2"
    config = getattr(hf, f"{kind}Config")(**_HYBRID, **labels, backbone_config=backbone)
    # Their seeded weights make other boxes of one level in 2 of 1000 values, by which bilinear filters
    # differ. Pillow's bicubic filter is kept bit for bit here.
    return config, kind, partial(hf.RTDetrImageProcessorPil, resample=3)


_BUILDERS = {
    "hf-detr": _detr,
    "hf-conditional-detr": _detr,
    "hf-d-fine": _d_fine,
    "hf-deimv2": _d_fine,
}
