"""Makes example_workflows/offline.jpg from a finished run: photo left of a slanted line, scene
right of it.

    python scripts/workflow_thumbnail.py out/room example_workflows/offline.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

WIDTH_PX = 768


def thumbnail(photo: Image.Image, scene: Image.Image) -> Image.Image:
    """Both pictures in one; they are of one size."""
    width, height = photo.size
    top, bottom = 0.56 * width, 0.44 * width
    right = Image.new("L", photo.size, 0)
    ImageDraw.Draw(right).polygon([(top, 0), (width, 0), (width, height), (bottom, height)], 255)
    both = Image.composite(scene, photo, right)
    line = max(3, width // 170)
    ImageDraw.Draw(both).line([(top, 0), (bottom, height)], (255, 255, 255), line)
    return both.resize((WIDTH_PX, round(WIDTH_PX * height / width)), Image.Resampling.LANCZOS)


def main() -> None:
    """Reads image.png and the render beside it."""
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    photo = Image.open(folder / "image.png").convert("RGB")
    scene = Image.open(folder / "render.png").convert("RGB").resize(photo.size)
    thumbnail(photo, scene).save(target, quality=85)


if __name__ == "__main__":
    main()
