"""Two scenes in one world, and copies of them in others with the same matching."""

from __future__ import annotations

import numpy as np

from ..errors import BadInput
from ..frames import Sim3
from .matching import Matching
from .scenes import EvalScene, Item


def in_one_world(predicted: EvalScene, truth: EvalScene) -> tuple[EvalScene, list[str]]:
    """The predicted scene in the truth's world, and what had to be assumed for it.

    Two scenes of one photo share its camera, so the prediction is carried over by that: each may
    have found its own floor and gravity. Without both cameras both are taken as they are.
    """
    if predicted.camera is None or truth.camera is None:
        if predicted.camera is None and truth.camera is None:
            return predicted, ["no camera in either scene: both are taken to share one world"]
        lacking = predicted if predicted.camera is None else truth
        note = f"{lacking.source} tells no camera: both scenes are taken to share one world"
        return predicted, [note]
    notes = []
    a, b = predicted.camera, truth.camera
    if abs(a.width / a.height / (b.width / b.height) - 1) > 0.02:
        raise BadInput(
            f"{predicted.source} is of a picture of {a.width}x{a.height} pixels and {truth.source} "
            f"of {b.width}x{b.height}: the cameras are not of one photo"
        )
    ratio = (a.intrinsics[0, 0] / a.width) / (b.intrinsics[0, 0] / b.width)
    if abs(ratio - 1) > 0.01:
        notes.append(
            f"the cameras differ: the predicted focal length is {100 * (ratio - 1):+.1f} % of the "
            "true one, so depths and sizes cannot all agree"
        )
    transform = b.world_from_camera @ a.world_from_camera.inverse()
    turned = np.degrees(np.arccos(np.clip(transform.rotation[1, 1], -1, 1)))
    if turned > 1:
        notes.append(f"the predicted vertical is {turned:.1f}° off the true one")
    return predicted.moved(transform), notes


def scaled_about_camera(
    predicted: EvalScene, truth: EvalScene, matching: Matching
) -> tuple[EvalScene, str]:
    """The prediction scaled about the photo's camera by the median ratio of distances.

    Raises:
        BadInput: no camera is known.
    """
    camera = predicted.camera or truth.camera
    if camera is None:
        raise BadInput("--fit-scale scales about the photo's camera, and neither scene tells one")
    eye = camera.world_from_camera.translation

    def far(item: Item) -> float:
        middle = (item.vertices.min(0) + item.vertices.max(0)) / 2
        return float(np.linalg.norm(middle - eye))

    factor = float(np.median([far(true) / far(one) for one, true in matching.pairs]))
    about = Sim3(np.eye(3), (1 - factor) * eye, factor)
    return predicted.moved(about), f"the prediction was scaled by {factor:.4g} about the camera"


def share_unit(predicted: EvalScene, truth: EvalScene) -> bool:
    """Both scenes are of one camera, and neither is known to be in another unit."""
    both = predicted.camera is not None and truth.camera is not None
    return both and predicted.metric == truth.metric


def in_box_of_truth(
    predicted: EvalScene, truth: EvalScene
) -> tuple[EvalScene, EvalScene, list[str]]:
    """Both scenes with the truth's objects in [-1, 1]; see :class:`Protocol`."""
    transform = to_box(truth)
    if share_unit(predicted, truth):
        return predicted.moved(transform), truth.moved(transform), []
    note = "the scenes share no camera or no unit: each was brought to [-1, 1] by its own box"
    return predicted.moved(to_box(predicted)), truth.moved(transform), [note]


def to_box(scene: EvalScene) -> Sim3:
    """Brings the scene's objects to [-1, 1], the longest side full."""
    points = np.concatenate([item.vertices for item in scene.placed])
    low, high = points.min(0), points.max(0)
    longest = float((high - low).max())
    scale = 2 / longest if longest > 0 else 1.0
    return Sim3(np.eye(3), -scale * (low + high) / 2, scale)


def follow(
    matching: Matching,
    predicted: EvalScene,
    copy: EvalScene,
    truth: EvalScene | None = None,
    true_copy: EvalScene | None = None,
) -> Matching:
    """The same matching among moved copies of the scenes."""
    twin = {id(item): other for item, other in zip(predicted.items, copy.items, strict=True)}
    if truth is not None and true_copy is not None:
        twin |= {id(i): other for i, other in zip(truth.items, true_copy.items, strict=True)}
    return Matching(
        matching.by,
        tuple((twin[id(one)], twin.get(id(true), true)) for one, true in matching.pairs),
        tuple((twin.get(id(true), true), why) for true, why in matching.missing),
        tuple(twin[id(item)] for item in matching.extra),
    )
