"""Backend ``layout``: room geometry by single-view metrology, without any learnt weights.

Segments → camera (:mod:`.calibration`) → boxes on the floor or on each other
(:mod:`.standing`) → walls (:mod:`.walls`) → depth per pixel (:mod:`.assemble`). Works at
640 px; only the last step is done at the photo's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..backends import Backend, BackendInfo, Options, option
from ..context import Context
from ..frames import pixel_centres
from ..types import Geometry, SceneObject
from . import DepthInputs
from .assemble import assemble_depth
from .class_sizes import ClassSize, class_size
from .estimate import RoomEstimate, estimate_room

WORKING_SIZE = 640


@dataclass(frozen=True)
class Layout(Options):
    """Options of ``layout``."""

    fov_deg: float = option(
        0.0, "horizontal angle of view; 0 finds it from EXIF or from the picture",
        low=0.0, high=150.0, step=0.5, unit="degrees",
    )  # fmt: skip
    camera_height_m: float = option(
        0.0, "height of the camera above the floor, which sets the scale; 0 finds it",
        low=0.0, high=20.0, step=0.05, unit="m",
    )  # fmt: skip


def run(inputs: DepthInputs, options: Layout, context: Context) -> Geometry:
    """Estimates the geometry; always finite, marked approximate."""
    photo = inputs.photo
    kept = inputs.objects.kept if inputs.objects is not None else ()
    work = _shrink(photo.rgb)
    scale = work.shape[1] / photo.width
    context.cancel.check()
    focal, focal_note = _known_focal(options, photo.width, photo.focal_px)
    full_masks = [_full_mask(o, photo.rgb.shape[:2]) for o in kept]
    priors = [class_size(o.label) for o in kept]
    estimate = estimate_room(
        work,
        [_nearest(m, work.shape[:2]) for m in full_masks],
        [o.label for o in kept],
        priors,
        focal * scale if focal else None,
        options.camera_height_m,
    )
    context.cancel.check()
    return _geometry(photo.rgb.shape[:2], estimate, full_masks, priors, focal_note, options)


def _geometry(
    shape: tuple[int, int],
    estimate: RoomEstimate,
    masks: list[np.ndarray],
    priors: list[ClassSize],
    focal_note: str,
    options: Layout,
) -> Geometry:
    height, width = shape
    camera = estimate.standing.camera.resized(width, height)
    room = estimate.room
    far = _far(estimate)
    if estimate.proposed:
        masks = [_nearest(m, shape) for m in estimate.masks]
        priors = estimate.priors
    depth = assemble_depth(camera, room.planes, far, masks, priors, estimate.standing.boxes)
    points = camera.rays(pixel_centres(height, width)) * depth[..., None]
    metric, notes = _notes(estimate, focal_note, options)
    return Geometry(
        points=points.astype(np.float32),
        intrinsics=camera.intrinsics,
        metric=metric,
        source="layout",
        approximate=True,
        up=camera.up,
        floor=camera.floor,
        walls=room.walls.reshape(-1, 4),
        ceiling=room.ceiling,
        notes=notes,
    )


def _far(estimate: RoomEstimate) -> float:
    """Depth beyond which nothing is put (rays that meet no surface)."""
    back = float(estimate.room.back[3])
    return 3.0 * max(back, estimate.standing.camera.camera_height)


def _notes(
    estimate: RoomEstimate, focal_note: str, options: Layout
) -> tuple[bool, tuple[str, ...]]:
    """Whether the scale is metric, and what a reader should know of the estimate."""
    calibration, camera = estimate.calibration, estimate.standing.camera
    notes = [
        "Depth is a guess from lines, usual sizes and where things touch the ground: good for "
        "placing things, not a measurement.",
        focal_note
        or f"The angle of view ({_fov_deg(camera.width, camera.focal_px):.0f} degrees across) "
        "was estimated from the picture's lines.",
        f"The camera looks {abs(np.degrees(camera.pitch_rad)):.0f} degrees "
        f"{'down' if camera.pitch_rad >= 0 else 'up'} from "
        f"{camera.camera_height:.2f} m above "
        f"{'the surface the things stand on' if calibration.habit.table_top else 'the floor'}.",
    ]
    evidence = estimate.standing.scale_evidence
    if options.camera_height_m > 0:
        metric = True
        notes.append("The given camera height sets the scale.")
    elif evidence:
        metric = True
        notes.append(
            f"The usual sizes of {evidence} {'thing' if evidence == 1 else 'things'} and the "
            "usual camera height set the scale."
        )
    elif calibration.habit.name == "standing":
        metric = True
        notes.append("Only the usual height of a camera sets the scale.")
    else:
        metric = False
        notes.append("Nothing of known size was seen: the scale is arbitrary.")
    if estimate.proposed:
        notes.append(
            f"There were no masks: {estimate.proposed} "
            f"{'thing was' if estimate.proposed == 1 else 'things were'} found by colour alone."
        )
    if calibration.support < 2.0:
        notes.append("Hardly any straight lines were found; the camera is the usual one.")
    elif not calibration.yaw_known:
        notes.append("The room's directions could not be seen; the back wall faces the camera.")
    if estimate.room.gain < 2.0:
        notes.append(
            "No border between floor and wall was found; the wall stands behind the farthest thing."
        )
    for box in estimate.standing.boxes.values():
        if box.supported_by == -2:
            label = next(o.label for o in estimate.outlines if o.index == box.index)
            notes.append(f"What carries the {label} was not seen; its distance is by its size.")
    return metric, tuple(notes)


def _fov_deg(width: float, focal_px: float) -> float:
    return float(np.degrees(2 * np.arctan(0.5 * width / focal_px)))


def _known_focal(
    options: Layout, width: int, exif_focal_px: float | None
) -> tuple[float | None, str]:
    """Focal length in the photo's pixels when it is known, and the note that says why."""
    if options.fov_deg > 0:
        focal = 0.5 * width / np.tan(np.radians(options.fov_deg) / 2)
        return float(focal), f"The angle of view ({options.fov_deg:g} degrees) was given."
    if exif_focal_px and np.isfinite(exif_focal_px) and exif_focal_px > 0.05 * width:
        fov = _fov_deg(width, exif_focal_px)
        return float(exif_focal_px), f"The angle of view ({fov:.0f} degrees) is from the file."
    return None, ""


def _full_mask(item: SceneObject, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) bool; the box while there is no mask, or one of another size."""
    if item.mask is not None and item.mask.shape == shape:
        return np.asarray(item.mask, bool)
    mask = np.zeros(shape, bool)
    x0, y0, x1, y1 = (round(float(v)) for v in item.bbox)
    mask[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
    return mask


def _nearest(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The mask at another size, by nearest pixels."""
    rows = ((np.arange(shape[0]) + 0.5) * mask.shape[0] / shape[0]).astype(int)
    columns = ((np.arange(shape[1]) + 0.5) * mask.shape[1] / shape[1]).astype(int)
    return mask[np.ix_(rows, columns)]


def _shrink(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8, the longer side at most :data:`WORKING_SIZE`."""
    from PIL import Image

    height, width = rgb.shape[:2]
    factor = WORKING_SIZE / max(height, width)
    if factor >= 1:
        return np.asarray(rgb)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


BACKEND = Backend(
    info=BackendInfo(
        name="layout",
        label="Layout (single-view metrology)",
        kind="embedded",
        summary="Camera, floor, walls and boxes for things from lines, masks and usual sizes; "
        "no weights.",
    ),
    options=Layout,
    run=run,
    default=True,
)
