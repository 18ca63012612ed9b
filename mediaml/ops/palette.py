"""The colour of each label: the same in every frame, run and process, and far from those seen beside it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from mediaml.ops.yuv import Rgb

# The 80 classes of COCO, spelled as in Darknet's `coco.names`. Made by `scripts/palette.py`: any two differ
# by 8.8 CIEDE2000 or more, two that are often seen together by 18, and by 8 to colour-blind eyes.
COCO_COLORS: dict[str, str] = {
    "person": "ee2288",
    "bicycle": "77ff00",
    "car": "6600dd",
    "motorbike": "668800",
    "aeroplane": "ccbbff",
    "bus": "00ffcc",
    "train": "ee66ff",
    "truck": "aa0000",
    "boat": "999900",
    "traffic light": "886644",
    "fire hydrant": "ffee99",
    "stop sign": "ff8888",
    "parking meter": "99ddff",
    "bench": "ffccff",
    "bird": "ddaa88",
    "cat": "ffcc00",
    "dog": "1166cc",
    "horse": "ff0000",
    "sheep": "668855",
    "cow": "aaeecc",
    "elephant": "7755ee",
    "bear": "00aabb",
    "zebra": "992233",
    "giraffe": "99cc00",
    "backpack": "995555",
    "umbrella": "ddeebb",
    "handbag": "ff8855",
    "tie": "0044dd",
    "suitcase": "0088dd",
    "frisbee": "dd6600",
    "skis": "aa6600",
    "snowboard": "6677ff",
    "sports ball": "66ccbb",
    "kite": "007744",
    "baseball bat": "8822aa",
    "baseball glove": "ffcc88",
    "skateboard": "bbaa77",
    "surfboard": "00bbff",
    "tennis racket": "aa4400",
    "bottle": "ff6655",
    "wine glass": "006600",
    "cup": "bb00ff",
    "fork": "ccbb00",
    "knife": "00ff99",
    "spoon": "554499",
    "bowl": "117777",
    "banana": "bb6655",
    "apple": "bb8800",
    "sandwich": "00ddff",
    "orange": "556600",
    "broccoli": "aa88bb",
    "carrot": "66aaff",
    "hot dog": "ffbbcc",
    "pizza": "883355",
    "donut": "774400",
    "cake": "88aa77",
    "chair": "bb88ff",
    "sofa": "0088aa",
    "pottedplant": "774433",
    "bed": "664477",
    "diningtable": "ccff00",
    "toilet": "7777aa",
    "tvmonitor": "ff99cc",
    "laptop": "ffbbaa",
    "mouse": "990077",
    "remote": "226655",
    "keyboard": "55bb55",
    "cell phone": "887700",
    "microwave": "eeaa00",
    "oven": "009900",
    "toaster": "ffee00",
    "sink": "dd99aa",
    "refrigerator": "8899cc",
    "book": "00aa99",
    "clock": "00ffff",
    "vase": "ff9911",
    "scissors": "bbff99",
    "teddy bear": "aaccff",
    "hair drier": "008877",
    "toothbrush": "665500",
}
# How COCO's own annotations spell some of them.
SPELLINGS = {
    "motorcycle": "motorbike",
    "airplane": "aeroplane",
    "couch": "sofa",
    "potted plant": "pottedplant",
    "dining table": "diningtable",
    "tv": "tvmonitor",
    "hair dryer": "hair drier",
}
_COLORS: tuple[Rgb, ...] = tuple((*bytes.fromhex(text),) for text in COCO_COLORS.values())
_PLACES = {name: place for place, name in enumerate(COCO_COLORS)}


@lru_cache(maxsize=4096)
def color_of(name: str) -> Rgb:
    """The colour of a label, which depends on nothing but its name; upper and lower case are one.

    A class of COCO has its own. A number, such as the class of a model without names, counts through the
    table. Any other name is hashed into it, so that two of them share a colour once in 80 pairs.

    Returns:
        Red, green and blue, 0..255.
    """
    folded = name.casefold().strip()
    folded = SPELLINGS.get(folded, folded)
    place = _PLACES.get(folded)
    if place is None and folded.isascii() and folded.isdecimal():
        place = int(folded[-9:])
    if place is None:
        digest = blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        place = int.from_bytes(digest, "big")
    return _COLORS[place % len(_COLORS)]
