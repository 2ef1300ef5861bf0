"""Usual sizes of household things, and where they usually are.

Round figures for what shops sell (width x height x depth of the upright thing, metres). They
are priors, not measurements: ``log_sigma`` says how far the class spreads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

Rest = Literal["floor", "surface", "wall", "ceiling", "flat", "any"]


@dataclass(frozen=True)
class ClassSize:
    """What is known of a class.

    Attributes:
        size_m: width, height, depth; width >= depth where the class has a front.
        log_sigma: standard deviation of the logarithms of the three.
        rest: "floor" stands on the floor, "surface" mostly on furniture, "wall" hangs,
            "ceiling" hangs from it, "flat" lies on the floor (rugs), "any" unknown.
        round: seen from above nearly a circle.
        carries: other things stand on it.
        depth_share: where in the box the visible surface lies on average, 0 front .. 1 back.
        seat: share of the height at which things rest on it (a chair's seat, a table's top).
        known: False for the stand-in of an unknown label.
    """

    size_m: tuple[float, float, float]
    log_sigma: tuple[float, float, float] = (0.2, 0.15, 0.2)
    rest: Rest = "floor"
    round: bool = False
    carries: bool = False
    depth_share: float = 0.15
    seat: float = 1.0
    known: bool = True

    @property
    def log_size(self) -> np.ndarray:
        """(3,) log of the size in metres."""
        return np.log(self.size_m)


UNKNOWN = ClassSize((0.6, 0.7, 0.6), (0.6, 0.6, 0.6), "any", carries=True, known=False)

_WIDE = (0.35, 0.3, 0.35)
_SMALL = (0.3, 0.3, 0.3)

CLASSES: dict[str, ClassSize] = {
    "chair": ClassSize((0.5, 0.86, 0.54), (0.15, 0.12, 0.15), carries=True, depth_share=0.35, seat=0.53),
    "dining chair": ClassSize((0.47, 0.88, 0.53), (0.12, 0.1, 0.12), carries=True, depth_share=0.35, seat=0.53),
    "office chair": ClassSize((0.62, 1.0, 0.62), (0.12, 0.15, 0.12), depth_share=0.35, carries=True, seat=0.48),
    "armchair": ClassSize((0.8, 0.86, 0.8), (0.2, 0.13, 0.17), carries=True, depth_share=0.25, seat=0.5),
    "lounge chair": ClassSize((0.75, 0.85, 0.85), (0.2, 0.15, 0.25), carries=True, depth_share=0.25, seat=0.48),
    "chaise": ClassSize((0.8, 0.8, 1.5), (0.25, 0.2, 0.25), carries=True, depth_share=0.25, seat=0.5),
    "recliner": ClassSize((0.85, 1.0, 0.9), (0.15, 0.12, 0.2), carries=True, depth_share=0.25, seat=0.45),
    "rocking chair": ClassSize((0.65, 1.0, 0.85), (0.15, 0.15, 0.2), depth_share=0.35),
    "high chair": ClassSize((0.5, 0.95, 0.6), depth_share=0.3),
    "stool": ClassSize((0.38, 0.6, 0.38), (0.2, 0.25, 0.2), carries=True, round=True),
    "bar stool": ClassSize((0.4, 0.8, 0.4), (0.15, 0.15, 0.15)),
    "bench": ClassSize((1.3, 0.46, 0.42), (0.3, 0.2, 0.2), carries=True),
    "pouf": ClassSize((0.5, 0.4, 0.5), (0.2, 0.15, 0.2), carries=True, round=True),
    "ottoman": ClassSize((0.65, 0.42, 0.55), (0.25, 0.15, 0.2), carries=True),
    "footstool": ClassSize((0.6, 0.42, 0.5), (0.25, 0.15, 0.2), carries=True),
    "sofa": ClassSize((1.95, 0.82, 0.9), (0.22, 0.12, 0.15), carries=True, depth_share=0.25, seat=0.52),
    "corner sofa": ClassSize((2.5, 0.82, 1.6), (0.2, 0.12, 0.2), carries=True, depth_share=0.3, seat=0.52),
    "loveseat": ClassSize((1.45, 0.82, 0.85), (0.15, 0.12, 0.15), carries=True, depth_share=0.25, seat=0.52),
    "bed": ClassSize((1.5, 0.85, 2.05), (0.25, 0.3, 0.1), carries=True, seat=0.65),
    "crib": ClassSize((1.25, 0.95, 0.7), carries=True),
    "table": ClassSize((1.25, 0.74, 0.9), (0.35, 0.12, 0.3), carries=True),
    "dining table": ClassSize((1.45, 0.75, 0.95), (0.3, 0.05, 0.25), carries=True),
    "round table": ClassSize((1.05, 0.74, 1.05), (0.25, 0.1, 0.25), round=True, carries=True),
    "bistro table": ClassSize((0.65, 0.74, 0.65), (0.15, 0.06, 0.15), carries=True),
    "cafe table": ClassSize((0.65, 0.74, 0.65), (0.15, 0.06, 0.15), carries=True),
    "coffee table": ClassSize((1.0, 0.42, 0.6), (0.25, 0.14, 0.2), carries=True),
    "side table": ClassSize((0.5, 0.53, 0.5), (0.2, 0.13, 0.2), carries=True),
    "end table": ClassSize((0.5, 0.55, 0.5), (0.2, 0.13, 0.2), carries=True),
    "console table": ClassSize((1.1, 0.8, 0.36), (0.25, 0.1, 0.2), carries=True),
    "bedside": ClassSize((0.48, 0.55, 0.4), (0.15, 0.15, 0.15), carries=True),
    "nightstand": ClassSize((0.48, 0.55, 0.4), (0.15, 0.15, 0.15), carries=True),
    "desk": ClassSize((1.35, 0.76, 0.66), (0.2, 0.12, 0.17), carries=True),
    "counter": ClassSize((1.8, 0.92, 0.64), (0.4, 0.06, 0.15), carries=True),
    "kitchen island": ClassSize((1.8, 0.92, 0.9), (0.3, 0.05, 0.2), carries=True),
    "bookcase": ClassSize((0.85, 1.75, 0.33), (0.25, 0.25, 0.2), carries=True),
    "bookshelf": ClassSize((0.85, 1.75, 0.33), (0.25, 0.25, 0.2), carries=True),
    "shelf": ClassSize((0.85, 1.3, 0.35), (0.3, 0.4, 0.25), carries=True),
    "shelves": ClassSize((0.85, 1.3, 0.35), (0.3, 0.4, 0.25), carries=True),
    "cabinet": ClassSize((1.0, 1.0, 0.45), (0.35, 0.4, 0.2), carries=True),
    "cabinetry": ClassSize((1.5, 1.0, 0.5), (0.45, 0.45, 0.25), carries=True),
    "television cabinet": ClassSize((1.4, 0.8, 0.45), (0.25, 0.5, 0.2), carries=True),
    "tv stand": ClassSize((1.5, 0.5, 0.42), (0.25, 0.18, 0.15), carries=True),
    "sideboard": ClassSize((1.5, 0.8, 0.43), (0.25, 0.12, 0.15), carries=True),
    "cupboard": ClassSize((1.0, 1.4, 0.45), _WIDE, carries=True),
    "dresser": ClassSize((1.1, 0.95, 0.48), (0.25, 0.2, 0.15), carries=True),
    "chest of drawers": ClassSize((0.9, 0.95, 0.46), (0.25, 0.2, 0.15), carries=True),
    "drawer": ClassSize((0.8, 0.85, 0.46), _WIDE, carries=True),
    "wardrobe": ClassSize((1.4, 2.05, 0.6), (0.3, 0.08, 0.1)),
    "closet": ClassSize((1.4, 2.1, 0.6), (0.3, 0.08, 0.1)),
    "refrigerator": ClassSize((0.65, 1.75, 0.67), (0.15, 0.12, 0.1), carries=True),
    "fridge": ClassSize((0.65, 1.75, 0.67), (0.15, 0.12, 0.1), carries=True),
    "oven": ClassSize((0.6, 0.87, 0.6), (0.12, 0.1, 0.1), carries=True),
    "stove": ClassSize((0.6, 0.9, 0.6), (0.15, 0.15, 0.12), carries=True),
    "dishwasher": ClassSize((0.6, 0.85, 0.6), (0.05, 0.05, 0.05), carries=True),
    "washing machine": ClassSize((0.6, 0.85, 0.58), (0.05, 0.05, 0.08), carries=True),
    "fireplace": ClassSize((1.3, 1.1, 0.4), _WIDE, carries=True),
    "piano": ClassSize((1.48, 1.15, 0.6), (0.1, 0.1, 0.25), carries=True),
    "bathtub": ClassSize((1.65, 0.57, 0.75), (0.1, 0.1, 0.1)),
    "toilet": ClassSize((0.38, 0.78, 0.66), (0.08, 0.1, 0.08)),
    "sink": ClassSize((0.55, 0.25, 0.45), _WIDE, "any"),
    "floor lamp": ClassSize((0.42, 1.55, 0.42), (0.25, 0.12, 0.25), round=True),
    "lamp": ClassSize((0.36, 0.6, 0.36), (0.3, 0.55, 0.3), "any", round=True),
    "desk lamp": ClassSize((0.25, 0.45, 0.25), (0.25, 0.2, 0.25), "surface", round=True),
    "table lamp": ClassSize((0.32, 0.5, 0.32), (0.25, 0.2, 0.25), "surface", round=True),
    "pendant": ClassSize((0.4, 0.4, 0.4), (0.4, 0.5, 0.4), "ceiling", round=True),
    "chandelier": ClassSize((0.6, 0.6, 0.6), (0.3, 0.35, 0.3), "ceiling", round=True),
    "ceiling lamp": ClassSize((0.4, 0.3, 0.4), (0.3, 0.4, 0.3), "ceiling", round=True),
    "ceiling fan": ClassSize((1.2, 0.4, 1.2), (0.15, 0.25, 0.15), "ceiling", round=True),
    "plant": ClassSize((0.5, 0.75, 0.5), (0.4, 0.5, 0.4), "any", round=True, depth_share=0.35),
    "decorative plant": ClassSize((0.55, 0.95, 0.55), (0.3, 0.3, 0.3), "any", round=True, depth_share=0.35),
    "houseplant": ClassSize((0.5, 0.75, 0.5), (0.4, 0.5, 0.4), "any", round=True, depth_share=0.35),
    "tree": ClassSize((0.8, 1.6, 0.8), (0.3, 0.3, 0.3), round=True, depth_share=0.35),
    "cactus": ClassSize((0.2, 0.3, 0.2), (0.4, 0.4, 0.4), "any", round=True),
    "flower": ClassSize((0.28, 0.4, 0.28), _SMALL, "surface", round=True, depth_share=0.35),
    "orchid": ClassSize((0.32, 0.52, 0.32), (0.25, 0.2, 0.25), "surface", round=True, depth_share=0.35),
    "orchids": ClassSize((0.32, 0.55, 0.32), (0.25, 0.2, 0.25), "surface", round=True, depth_share=0.35),
    "bouquet": ClassSize((0.3, 0.35, 0.3), _SMALL, "surface", round=True, depth_share=0.35),
    "flowerpot": ClassSize((0.28, 0.28, 0.28), (0.35, 0.35, 0.35), "any", round=True),
    "pot": ClassSize((0.25, 0.25, 0.25), (0.4, 0.4, 0.4), "any", round=True),
    "vase": ClassSize((0.17, 0.3, 0.17), (0.3, 0.3, 0.3), "surface", round=True),
    "bottle": ClassSize((0.08, 0.27, 0.08), (0.15, 0.2, 0.15), "surface", round=True),
    "milk": ClassSize((0.095, 0.25, 0.095), (0.15, 0.15, 0.15), "surface"),
    "can": ClassSize((0.07, 0.12, 0.07), (0.1, 0.15, 0.1), "surface", round=True),
    "cup": ClassSize((0.085, 0.1, 0.085), (0.15, 0.2, 0.15), "surface", round=True),
    "mug": ClassSize((0.1, 0.1, 0.085), (0.15, 0.15, 0.15), "surface", round=True),
    "glass": ClassSize((0.075, 0.14, 0.075), (0.15, 0.25, 0.15), "surface", round=True),
    "bowl": ClassSize((0.2, 0.09, 0.2), (0.25, 0.25, 0.25), "surface", round=True),
    "plate": ClassSize((0.25, 0.03, 0.25), (0.15, 0.3, 0.15), "surface", round=True),
    "candle": ClassSize((0.07, 0.15, 0.07), (0.2, 0.4, 0.2), "surface", round=True),
    "jar": ClassSize((0.1, 0.15, 0.1), _SMALL, "surface", round=True),
    "jug": ClassSize((0.16, 0.25, 0.16), _SMALL, "surface", round=True),
    "teapot": ClassSize((0.2, 0.16, 0.15), (0.15, 0.15, 0.15), "surface", round=True),
    "kettle": ClassSize((0.2, 0.24, 0.16), (0.15, 0.15, 0.15), "surface", round=True),
    "pen": ClassSize((0.02, 0.14, 0.02), (0.3, 0.1, 0.3), "surface"),
    "pen holder": ClassSize((0.085, 0.105, 0.085), (0.15, 0.15, 0.15), "surface", round=True),
    "pencil cup": ClassSize((0.085, 0.105, 0.085), (0.15, 0.15, 0.15), "surface", round=True),
    "pen cup": ClassSize((0.085, 0.105, 0.085), (0.15, 0.15, 0.15), "surface", round=True),
    "book": ClassSize((0.24, 0.035, 0.165), (0.15, 0.4, 0.15), "surface", carries=True),
    "books": ClassSize((0.25, 0.08, 0.18), (0.2, 0.5, 0.2), "surface", carries=True),
    "magazine": ClassSize((0.28, 0.015, 0.21), (0.1, 0.5, 0.1), "surface", carries=True),
    "laptop": ClassSize((0.34, 0.23, 0.26), (0.1, 0.2, 0.2), "surface"),
    "keyboard": ClassSize((0.43, 0.03, 0.14), (0.15, 0.3, 0.15), "surface"),
    "computer mouse": ClassSize((0.065, 0.04, 0.11), (0.1, 0.15, 0.1), "surface"),
    "monitor": ClassSize((0.58, 0.46, 0.2), (0.2, 0.17, 0.2), "surface"),
    "computer monitor": ClassSize((0.58, 0.46, 0.2), (0.2, 0.17, 0.2), "surface"),
    "tv": ClassSize((0.95, 0.6, 0.12), (0.25, 0.25, 0.4), "surface"),
    "television": ClassSize((0.95, 0.6, 0.12), (0.25, 0.25, 0.4), "surface"),
    "radio": ClassSize((0.26, 0.17, 0.12), (0.3, 0.25, 0.3), "surface"),
    "speaker": ClassSize((0.2, 0.32, 0.22), (0.35, 0.45, 0.3), "any"),
    "phone": ClassSize((0.075, 0.01, 0.155), (0.1, 0.2, 0.1), "surface"),
    "clock": ClassSize((0.25, 0.25, 0.06), _SMALL, "any"),
    "microwave": ClassSize((0.48, 0.28, 0.36), (0.1, 0.1, 0.1), "surface", carries=True),
    "toaster": ClassSize((0.3, 0.2, 0.19), (0.15, 0.12, 0.15), "surface"),
    "coffee maker": ClassSize((0.24, 0.34, 0.28), (0.2, 0.15, 0.2), "surface"),
    "camera": ClassSize((0.13, 0.09, 0.08), (0.15, 0.15, 0.25), "surface"),
    "teddy bear": ClassSize((0.32, 0.36, 0.25), (0.3, 0.3, 0.3), "any"),
    "teddy": ClassSize((0.32, 0.36, 0.25), (0.3, 0.3, 0.3), "any"),
    "doll": ClassSize((0.2, 0.4, 0.12), _SMALL, "any"),
    "toy": ClassSize((0.25, 0.2, 0.18), (0.4, 0.4, 0.4), "any"),
    "toy car": ClassSize((0.28, 0.14, 0.14), (0.3, 0.3, 0.3), "any"),
    "ball": ClassSize((0.22, 0.22, 0.22), (0.25, 0.25, 0.25), "any", round=True),
    "basketball": ClassSize((0.24, 0.24, 0.24), (0.05, 0.05, 0.05), "any", round=True),
    "football": ClassSize((0.22, 0.22, 0.22), (0.08, 0.08, 0.08), "any", round=True),
    "pillow": ClassSize((0.48, 0.42, 0.16), (0.15, 0.2, 0.3), "surface"),
    "cushion": ClassSize((0.46, 0.42, 0.16), (0.15, 0.2, 0.3), "surface"),
    "blanket": ClassSize((0.8, 0.3, 0.6), _WIDE, "surface"),
    "basket": ClassSize((0.42, 0.36, 0.4), (0.25, 0.3, 0.25), "any", round=True, carries=True),
    "box": ClassSize((0.4, 0.3, 0.3), (0.45, 0.45, 0.45), "any", carries=True),
    "crate": ClassSize((0.5, 0.4, 0.4), (0.3, 0.35, 0.3), "any", carries=True),
    "suitcase": ClassSize((0.45, 0.65, 0.26), (0.2, 0.2, 0.2), "any", carries=True),
    "backpack": ClassSize((0.32, 0.46, 0.22), (0.15, 0.15, 0.2), "any"),
    "handbag": ClassSize((0.32, 0.28, 0.14), (0.2, 0.25, 0.25), "any"),
    "trash can": ClassSize((0.32, 0.42, 0.32), (0.25, 0.3, 0.25), round=True),
    "waste container": ClassSize((0.32, 0.42, 0.32), (0.25, 0.3, 0.25), round=True),
    "bin": ClassSize((0.3, 0.4, 0.3), (0.25, 0.3, 0.25), round=True),
    "bucket": ClassSize((0.28, 0.28, 0.28), (0.2, 0.2, 0.2), round=True),
    "cat": ClassSize((0.25, 0.32, 0.42), (0.25, 0.25, 0.3), "any"),
    "dog": ClassSize((0.3, 0.55, 0.7), (0.35, 0.35, 0.35), "any"),
    "person": ClassSize((0.5, 1.68, 0.35), (0.2, 0.1, 0.3), "any"),
    "man": ClassSize((0.52, 1.75, 0.35), (0.2, 0.1, 0.3), "any"),
    "woman": ClassSize((0.48, 1.64, 0.33), (0.2, 0.1, 0.3), "any"),
    "bicycle": ClassSize((1.7, 1.05, 0.5), (0.1, 0.1, 0.2)),
    "sculpture": ClassSize((0.25, 0.4, 0.2), (0.4, 0.4, 0.4), "any"),
    "statue": ClassSize((0.25, 0.4, 0.2), (0.4, 0.4, 0.4), "any"),
    "ornament": ClassSize((0.2, 0.25, 0.15), (0.4, 0.4, 0.4), "surface"),
    "globe": ClassSize((0.28, 0.36, 0.28), (0.2, 0.2, 0.2), "surface", round=True),
    "fan": ClassSize((0.4, 0.8, 0.35), (0.25, 0.5, 0.25), "any"),
    "guitar": ClassSize((0.38, 1.0, 0.2), (0.1, 0.08, 0.3)),
    "picture": ClassSize((0.6, 0.6, 0.03), (0.45, 0.45, 0.3), "wall"),
    "picture frame": ClassSize((0.5, 0.5, 0.03), (0.45, 0.45, 0.3), "wall"),
    "painting": ClassSize((0.7, 0.6, 0.03), (0.45, 0.45, 0.3), "wall"),
    "poster": ClassSize((0.6, 0.8, 0.01), (0.3, 0.3, 0.3), "wall"),
    "sign": ClassSize((0.8, 0.3, 0.03), (0.45, 0.45, 0.3), "wall"),
    "mirror": ClassSize((0.6, 1.0, 0.04), (0.4, 0.4, 0.3), "wall"),
    "curtain": ClassSize((1.2, 2.2, 0.12), (0.35, 0.2, 0.3), "wall"),
    "window": ClassSize((1.1, 1.3, 0.1), _WIDE, "wall"),
    "window blind": ClassSize((1.1, 1.3, 0.05), _WIDE, "wall"),
    "blinds": ClassSize((1.1, 1.3, 0.05), _WIDE, "wall"),
    "door": ClassSize((0.9, 2.03, 0.06), (0.15, 0.05, 0.2), "wall"),
    "radiator": ClassSize((0.9, 0.6, 0.12), (0.35, 0.15, 0.25), "wall"),
    "wall": ClassSize((3.0, 2.5, 0.1), _WIDE, "wall"),
    "air conditioner": ClassSize((0.85, 0.29, 0.22), (0.1, 0.1, 0.1), "wall"),
    "rug": ClassSize((2.0, 0.02, 1.4), (0.3, 0.3, 0.3), "flat"),
    "carpet": ClassSize((2.4, 0.02, 1.7), (0.3, 0.3, 0.3), "flat"),
    "mat": ClassSize((1.0, 0.02, 0.6), (0.4, 0.3, 0.4), "flat"),
    "floor": ClassSize((4.0, 0.01, 4.0), _WIDE, "flat"),
}  # fmt: skip

ALIASES = {
    "couch": "sofa", "settee": "sofa", "sofa bed": "sofa", "studio couch": "sofa", "sectional": "corner sofa",
    "potted plant": "houseplant", "houseplants": "houseplant", "plants": "plant", "cupboards": "cupboard",
    "tv monitor": "tv", "tvmonitor": "tv", "desktop computer": "computer monitor", "screen": "monitor",
    "garbage can": "trash can", "rubbish bin": "bin", "dustbin": "bin", "wastebasket": "bin", "waste bin": "bin",
    "coffee cup": "cup", "wine glass": "glass", "wine bottle": "bottle", "night stand": "nightstand",
    "footrest": "footstool", "hassock": "pouf", "human face": "person", "boy": "person", "girl": "person",
    "kitchen & dining room table": "dining table", "desk chair": "office chair", "swivel chair": "office chair",
    "tabletop": "table", "pencil holder": "pen holder", "pen pot": "pen holder", "sun lounger": "chaise",
    "lounger": "chaise", "deck chair": "lounge chair", "kitten": "cat", "puppy": "dog", "stuffed animal": "teddy bear",
    "stuffed toy": "teddy bear", "chest": "crate", "drawers": "chest of drawers", "ceiling light": "ceiling lamp",
    "picture frames": "picture frame", "photo": "picture", "photo frame": "picture frame", "artwork": "painting",
    "rugs": "rug", "doormat": "mat", "pillows": "pillow", "cushions": "cushion", "throw pillow": "cushion",
    "bed frame": "bed", "infant bed": "crib", "light": "lamp", "standing lamp": "floor lamp", "umbrella": "floor lamp",
    "stack of books": "books", "ball pool": "ball", "planter": "flowerpot", "plant pot": "flowerpot",
}  # fmt: skip


def class_size(label: str) -> ClassSize:
    """What is known of the class a label names, by its longest known part from the right.

    "winchester armchair" is an armchair, "table with tablecloth" a table, "chairs" a chair;
    anything else gives :data:`UNKNOWN`.
    """
    # What stands after "with", "on", "of" says more about, not what it is.
    text = re.sub(r"[_\-]+", " ", label.lower())
    if text.strip() in ALIASES:
        return CLASSES[ALIASES[text.strip()]]
    if text.strip() in CLASSES:
        return CLASSES[text.strip()]
    words = re.findall(r"[a-z&]+", re.split(r"\b(?:with|on|of|in|under|for)\b", text)[0])
    for size in range(min(4, len(words)), 0, -1):
        for start in range(len(words) - size, -1, -1):
            part = " ".join(words[start : start + size])
            for name in (part, part.removesuffix("s"), part.removesuffix("es")):
                name = ALIASES.get(name, name)
                if name in CLASSES:
                    return CLASSES[name]
    return UNKNOWN
