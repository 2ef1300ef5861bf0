"""What the whole photo says to every object in it, found out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..surfaces.ground import Ground, ground_of
from ..surfaces.samples import Samples
from ..types import Geometry, Objects
from .dewarp import Witnesses, find_witnesses
from .window import Box, mask_box


@dataclass(frozen=True, eq=False)
class Survey:
    """Shared by all problems of a photo.

    Attributes:
        ground: gravity and floor.
        witnesses: where planes show how the point map is bent, or None.
        boxes: by id the box that each mask of the point map's size fills; empty ones are absent.
    """

    ground: Ground
    witnesses: Witnesses | None
    boxes: Mapping[int, Box]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the report: what nobody gave and the points had to tell."""
        ground = self.ground
        if ground.source == "floor":
            return (
                "The floor was found in the point map "
                f"(confidence {100 * ground.confidence:.0f} %).",
            )
        if ground.source == "walls":
            return ("Gravity was found from two walls in the point map; no floor is seen.",)
        if ground.source == "none":
            return (
                "Neither gravity nor a floor is known or seen in the point map, so objects may "
                "come out tilted; a Depth backend that gives them does better.",
            )
        return ()


def survey_photo(geometry: Geometry, objects: Objects) -> Survey:
    """Finds ground, bend and boxes; about 0.1 s, whatever the photo's size."""
    size = geometry.points.shape[:2]
    boxes = {}
    for item in objects.objects:
        if item.mask is not None and item.mask.shape == size:
            box = mask_box(item.mask)
            if box is not None:
                boxes[item.id] = box
    samples = Samples.of(geometry, objects.objects)
    ground = ground_of(geometry, samples)
    witnesses = None if geometry.approximate else find_witnesses(samples, ground)
    return Survey(ground, witnesses, boxes)
