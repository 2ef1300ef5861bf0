"""What holds a thing, as physics takes it: it rests on something, or it touches something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..planes import Plane


@dataclass(frozen=True, eq=False)
class Tie:
    """One object's tie to another or to a plane of the room.

    Attributes:
        subject: an object's id.
        object: another object's id, or a plane.
        kind: "rests": gravity lays its underside on the object's upper side; "touches": the two
            surfaces meet at some point; "leans": they do, and it would fall over without; "part": the two belong together and may overlap.
        mutual: both may move to meet; else the subject comes to the object.
        certain: the user says so: what rests is lifted to the top from however far below.
    """

    subject: int
    object: int | Plane
    kind: Literal["rests", "touches", "leans", "part"]
    mutual: bool = False
    certain: bool = False
