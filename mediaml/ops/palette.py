"""The colour of each label: the same in every frame, run and process, and far from those seen beside it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from mediaml.ops.yuv import Rgb

# The 80 classes of COCO, spelled as in Darknet's `coco.names`. Made by `scripts/palette.py`: any two differ
# by 8.4 CIEDE2000 or more, two that are often seen together by 17, and by 8.4 to eyes without red, green or
# blue cones; the ten most common ones by 18, and by 11 to such eyes.
COCO_COLORS: dict[str, str] = {
    "person": "ee2288",
    "bicycle": "aa0044",
    "car": "ccff00",
    "motorbike": "00ffcc",
    "aeroplane": "008855",
    "bus": "7788ff",
    "train": "774400",
    "truck": "cc8800",
    "boat": "993300",
    "traffic light": "ffaa88",
    "fire hydrant": "66bbbb",
    "stop sign": "ddaaff",
    "parking meter": "888855",
    "bench": "007777",
    "bird": "9977aa",
    "cat": "882288",
    "dog": "0033ff",
    "horse": "dd0033",
    "sheep": "ffcc00",
    "cow": "556600",
    "elephant": "cc9966",
    "bear": "0055bb",
    "zebra": "00bbee",
    "giraffe": "22ff99",
    "backpack": "ff66ff",
    "umbrella": "cc8877",
    "handbag": "996600",
    "tie": "77aa00",
    "suitcase": "7755cc",
    "frisbee": "9999cc",
    "skis": "774433",
    "snowboard": "0088bb",
    "sports ball": "99ddff",
    "kite": "eeeebb",
    "baseball bat": "4466ff",
    "baseball glove": "bbcc00",
    "skateboard": "887700",
    "surfboard": "00cc00",
    "tennis racket": "cc99bb",
    "bottle": "dd0000",
    "wine glass": "007700",
    "cup": "5577aa",
    "fork": "ffee88",
    "knife": "bb44ff",
    "spoon": "ee7733",
    "bowl": "66aaff",
    "banana": "ffddaa",
    "apple": "665522",
    "sandwich": "ffccff",
    "orange": "44ff00",
    "broccoli": "88aa77",
    "carrot": "6633aa",
    "hot dog": "006644",
    "pizza": "991166",
    "donut": "aaeecc",
    "cake": "ffaa00",
    "chair": "44bb66",
    "sofa": "ee8811",
    "pottedplant": "774466",
    "bed": "bbcc99",
    "diningtable": "aa6666",
    "toilet": "ff8888",
    "tvmonitor": "4499aa",
    "laptop": "ffaacc",
    "mouse": "992222",
    "remote": "bb88ff",
    "keyboard": "778800",
    "cell phone": "bbffaa",
    "microwave": "557744",
    "oven": "99eeee",
    "toaster": "ffbbbb",
    "sink": "009999",
    "refrigerator": "bbaa77",
    "book": "00eeff",
    "clock": "ffee00",
    "vase": "8800ff",
    "scissors": "aa7755",
    "teddy bear": "aabbff",
    "hair drier": "bbaa00",
    "toothbrush": "00ffee",
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
