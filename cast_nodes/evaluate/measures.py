"""The names of all measures, what is better, and what a missing object counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        title: for tables; "@" is followed by the threshold.
        better: which way is better.
        missing: what a true object without a predicted one counts in a mean; None where no
            number would do (a distance): such objects are left out of the mean and counted.
        help: what it is.
    """

    title: str
    better: Literal["higher", "lower"]
    missing: float | None
    help: str


MEASURES: dict[str, Measure] = {
    "chamfer_mean": Measure("Chamfer (mean distance)", "lower", None, "mean distance to the nearest sample, mean of both directions"),
    "chamfer_squared_sum": Measure("Chamfer² (sum)", "lower", None, "mean squared distance, sum of both directions"),
    "precision": Measure("precision", "higher", 0.0, "share of predicted samples nearer to the truth than the threshold"),
    "recall": Measure("recall", "higher", 0.0, "share of true samples nearer to the prediction than the threshold"),
    "f_score": Measure("F", "higher", 0.0, "harmonic mean of precision and recall"),
    "hausdorff": Measure("Hausdorff", "lower", None, "largest nearest distance, both ways"),
    "hausdorff_95": Measure("Hausdorff 95 %", "lower", None, "95th percentile of nearest distances, larger of both ways"),
    "scene_box_iou": Measure("scene box IoU", "higher", 0.0, "of the axis-aligned boxes round all objects"),
    "cd_s": Measure("CD-S", "lower", None, "scene: mean squared distance, sum of both directions"),
    "f_s": Measure("F-S", "higher", 0.0, "scene: F at .1"),
    "cd_o": Measure("CD-O", "lower", None, "object: mean squared distance, sum of both directions"),
    "f_o": Measure("F-O", "higher", 0.0, "object: F at .1"),
    "iou_b": Measure("IoU-B", "higher", 0.0, "of the object's axis-aligned boxes in the normalised scenes"),
    "box_iou": Measure("box IoU", "higher", 0.0, "of axis-aligned boxes, y along gravity"),
    "gravity_box_iou": Measure("upright box IoU", "higher", 0.0, "of the least boxes that turn about the vertical"),
    "oriented_box_iou": Measure("oriented box IoU", "higher", 0.0, "of tight boxes turned as they like"),
    "volume_iou": Measure("volume IoU", "higher", 0.0, "of the insides, on a grid; not measured for open meshes"),
    "add_s": Measure("ADD-S / diameter", "lower", None, "mean nearest distance of the posed meshes, both ways, over the true diameter"),
    "add_s<": Measure("ADD-S <", "higher", 0.0, "share of objects whose ADD-S is below the threshold"),
    "rotation_deg": Measure("rotation °", "lower", None, "angle to the true rotation modulo the true mesh's symmetry; measured where both meshes share an object frame"),
    "icp_rotation_deg": Measure("ICP rotation °", "lower", None, "angle by which ICP turns the posed prediction onto the posed truth"),
    "log_scale": Measure("|log size|", "lower", None, "|log| of the ratio of the posed sizes"),
    "centre_distance": Measure("centre distance", "lower", None, "between the boxes' centres"),
    "object_chamfer_mean": Measure("object Chamfer (mean distance)", "lower", None, "at its place: mean nearest distance, mean of both directions"),
    "object_f_score": Measure("object F", "higher", 0.0, "at its place: harmonic mean of precision and recall"),
    "object_hausdorff": Measure("object Hausdorff", "lower", None, "at its place: largest nearest distance, both ways"),
    "object_normals": Measure("normal consistency", "higher", 0.0, "at its place: mean |cosine| of nearest normals"),
    "shape_f_score": Measure("shape F", "higher", 0.0, "normalised and aligned: harmonic mean of precision and recall"),
    "shape_chamfer_squared_sum": Measure("shape Chamfer² (sum)", "lower", None, "normalised and aligned: mean squared distance, sum of both directions"),
    "voxel_iou": Measure("voxel IoU", "higher", 0.0, "normalised and aligned: surfaces in 64³ voxels of [-1, 1]³"),
    "mask_iou": Measure("mask IoU", "higher", 0.0, "of the visible pixels: rendered ids against the mask; pixels of objects that are not in the scene do not count"),
    "abs_rel": Measure("depth AbsRel", "lower", None, "mean |d - d*| / d*"),
    "delta1": Measure("depth δ1", "higher", None, "share of pixels with max(d / d*, d* / d) < 1.25"),
    "abs_rel_scaled": Measure("depth AbsRel, scaled", "lower", None, "the same after the prediction was scaled by the ratio of the medians"),
    "delta1_scaled": Measure("depth δ1, scaled", "higher", None, "the same after the prediction was scaled by the ratio of the medians"),
    "psnr": Measure("PSNR dB", "higher", None, "of the render against the photo, where the scene is seen"),
    "ssim": Measure("SSIM", "higher", None, "of the render against the photo, where the scene is seen"),
    "lpips": Measure("LPIPS", "lower", None, "of the render against the photo (AlexNet), whole picture"),
    "penetrating_pairs": Measure("penetrating pairs", "lower", None, "pairs deeper in each other than 1 % of the smaller one's size"),
    "deepest_penetration": Measure("deepest penetration / size", "lower", None, "of those pairs, over the smaller one's size"),
    "floating": Measure("floating objects", "lower", None, "supported objects with a gap above 1 % of their height"),
    "largest_gap": Measure("largest gap / height", "lower", None, "between an object and what carries it, over its height"),
    "stay_in_simulation": Measure("stay in simulation", "higher", None, "share of the free objects that move by at most 2 % of their size in a second of MuJoCo"),
    "median_drift": Measure("median drift / size", "lower", None, "largest displacement of a point in that second, over the object's size"),
    "fallen": Measure("fallen in simulation", "lower", None, "objects that turn over or sink in that second"),
    "drift": Measure("drift / size", "lower", None, "largest displacement of a point in a second of MuJoCo, over the object's size"),
    "contact_recall": Measure("contact recall", "higher", None, "share of the true supports whose two objects touch"),
    "relation_recall": Measure("relation recall", "higher", None, "share of the true supports that the scene states"),
    "false_relations": Measure("false relations", "lower", None, "share of the stated supports that are not true"),
    "matched": Measure("matched", "higher", None, "share of the true objects that have a predicted one"),
}  # fmt: skip


def measure_of(name: str) -> Measure:
    """The measure of a name with or without a threshold ("f_score@0.1", "add_s<0.1")."""
    for mark in ("@", "<"):
        if mark in name:
            stem, value = name.split(mark, 1)
            base = MEASURES[stem + ("<" if mark == "<" else "")]
            joint = " @ " if mark == "@" else " "
            return Measure(f"{base.title}{joint}{value}", base.better, base.missing, base.help)
    return MEASURES[name]


def mean_over_objects(
    name: str, values: Sequence[float | None], missing: int
) -> tuple[float | None, int]:
    """The mean of one measure over the true objects, and how many are in it.

    Shares and overlaps count ``missing`` objects as 0; distances and angles leave them out. What
    could not be measured (None) is left out of both.
    """
    known = [v for v in values if v is not None and math.isfinite(v)]
    fill = measure_of(name).missing
    if fill is not None:
        known += [fill] * missing
    return (sum(known) / len(known), len(known)) if known else (None, 0)


def text(value: float | None) -> str:
    """A value for a table; – where it was not measured. Counts are whole numbers."""
    if value is None or not math.isfinite(value):
        return "–"
    if isinstance(value, int) or value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) >= 0.01 else f"{value:.2g}"


def ready(value: object) -> object:
    """JSON-ready: not finite becomes None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): ready(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [ready(v) for v in value]
    return value
