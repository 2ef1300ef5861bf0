"""What each system measures, and how: one frozen value a protocol, to be read at a glance.

Where a paper is silent, its published code counts; where both are, the choice is said here.
The room (walls, floor) is left out everywhere: objects are compared with objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import BadInput
from .align import Icp, Normalise


@dataclass(frozen=True)
class Clouds:
    """How two surfaces are compared as clouds of samples.

    Attributes:
        points: samples of each; of a scene: in all, or of each object.
        each_object: a scene's samples are so many from each object, not spread by area.
        normalise: brings each cloud into its own normal frame first.
        icp: then moves the predicted cloud onto the true one; None leaves it.
        measures: names from :mod:`cast_nodes.evaluate.measures`.
    """

    points: int
    measures: tuple[str, ...]
    normalise: Normalise = "none"
    icp: Icp | None = None
    each_object: bool = False


@dataclass(frozen=True)
class Protocol:
    """What is measured.

    Attributes:
        name: as on the command line.
        title: in a few words.
        source: where it is from, and what was chosen here.
        scene: the whole scene, all objects together.
        shape: each object on its own, away from its place.
        layout: measures of each object at its place.
        frame: where scene and layout are measured: the truth's world, or the truth's objects' box
            brought to [-1, 1] (each scene's own box where the two share no camera or unit).
        same_unit: both scenes must be in the same unit.
    """

    name: str
    title: str
    source: str
    scene: Clouds | None = None
    shape: Clouds | None = None
    layout: tuple[str, ...] = ()
    frame: Literal["world", "box of the truth"] = "world"
    same_unit: bool = False


PLAIN = Protocol(
    name="plain",
    title="as it stands, in metres, nothing aligned",
    source="This pack's own: what an error is in the room. Thresholds are in the truth's unit.",
    scene=Clouds(
        points=100_000,
        measures=(
            "chamfer_mean", "chamfer_squared_sum", "precision@0.05", "recall@0.05", "f_score@0.05",
            "f_score@0.1", "hausdorff", "hausdorff_95", "scene_box_iou",
        ),
    ),
    shape=None,
    layout=(
        "box_iou", "gravity_box_iou", "oriented_box_iou", "volume_iou", "add_s", "add_s<0.1",
        "rotation_deg", "log_scale", "centre_distance", "object_chamfer_mean", "object_f_score@0.05",
        "object_hausdorff", "object_normals",
    ),
    same_unit=True,
)  # fmt: skip

RE_GEN_3D = Protocol(
    name="3d-re-gen",
    title="3D-RE-GEN: both scenes centred and max-normalised, then ICP",
    source=(
        "Sautter et al., 3D-RE-GEN, arXiv 2512.17459, and its published code: 100,000 samples of "
        "the whole scene, each cloud centred on its mean with its farthest sample at distance 1, "
        "200 iterations of point-to-point ICP without scale (stops at a relative RMSE change of "
        "1e-6), squared Chamfer as the sum of both directions, F at .1, IoU of the boxes round "
        "the aligned clouds, two-sided Hausdorff. Its code swaps precision and recall; here they "
        "are not swapped, and F is the same either way."
    ),
    scene=Clouds(
        points=100_000,
        measures=(
            "chamfer_squared_sum", "f_score@0.1", "scene_box_iou", "hausdorff", "precision@0.01",
            "recall@0.01",
        ),
        normalise="centroid and farthest",
        icp=Icp(200, scale=False, tolerance=1e-6),
    ),
)  # fmt: skip

MIDI_CAST = Protocol(
    name="midi-cast",
    title="MIDI and CAST: CD-S, F-S, CD-O, F-O, IoU-B",
    source=(
        "Huang et al., MIDI, CVPR 2025, arXiv 2412.03558, and its published code, whose measures "
        "CAST (Yao et al., SIGGRAPH 2025, arXiv 2502.12894) reports too: 20,480 samples of each "
        "object; scene: all of them, 50 iterations of rigid ICP; object: each axis to [-.95, .95] "
        "on its own, 50 iterations; squared Chamfer as the sum of both directions, F at .1; IoU-B "
        "is the mean IoU of the objects' axis-aligned boxes in the scene, before any ICP. MIDI's "
        "scenes live in [-1, 1]; here the truth's box is brought there and the prediction with it "
        "(by its own box where the two share no camera or unit). "
        "F is told as a share, the papers tell percent."
    ),
    scene=Clouds(
        points=20_480,
        each_object=True,
        measures=("cd_s", "f_s"),
        icp=Icp(50, tolerance=1e-6),
    ),
    shape=Clouds(
        points=20_480,
        measures=("cd_o", "f_o"),
        normalise="box per axis",
        icp=Icp(50, tolerance=1e-6, points=5_000, partners=20_000),
    ),
    layout=("iou_b",),
    frame="box of the truth",
)

SAM_3D = Protocol(
    name="sam3d",
    title="SAM 3D: shape after normalisation and ICP; layout by 3D IoU, ICP rotation, ADD-S",
    source=(
        "Chen et al., SAM 3D: 3Dfy Anything in Images, arXiv 2511.16624, appendix: shape: meshes "
        "normalised to [-1, 1] and aligned by ICP, F at .01, IoU of 64-cubed voxels, squared "
        "Chamfer as the sum of both directions; layout: IoU of axis-aligned boxes, angle of the "
        "rotation by which ICP brings the posed prediction onto the posed truth, ADD-S both ways "
        "over twice the diameter, share of ADD-S below .1. The paper takes 1,000,000 samples; here "
        "it is 100,000 (--points 1000000 for all). Its EMD, ULIP and Uni3D are not measured. ICP "
        "has 100 iterations here; the paper tells no number."
    ),
    shape=Clouds(
        points=100_000,
        measures=("shape_f_score@0.01", "voxel_iou", "shape_chamfer_squared_sum"),
        normalise="box",
        icp=Icp(100, points=5_000, partners=20_000),
    ),
    layout=("box_iou", "icp_rotation_deg", "add_s", "add_s<0.1"),
    same_unit=True,
)

PROTOCOLS = {p.name: p for p in (PLAIN, RE_GEN_3D, MIDI_CAST, SAM_3D)}


def protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        BadInput: there is none; the message lists them.
    """
    if name not in PROTOCOLS:
        raise BadInput(f"there is no protocol {name!r}; the protocols are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
