"""Makes a workflow's thumbnail from a finished run: photo left of a slanted line, scene right of it.

    python scripts/workflow_thumbnail.py out/room example_workflows/offline.jpg

A caption tells where the picture shows something else than the workflow would make:

    python scripts/workflow_thumbnail.py out/room example_workflows/all_services.jpg \\
        --caption "stand-ins in place of the paid services"
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

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


def captioned(picture: Image.Image, text: str) -> Image.Image:
    """The picture with a dark strip at its foot that holds the text."""
    if not text:
        return picture
    made, font = picture.copy(), ImageFont.load_default(19)
    left, top = 0, picture.height - 34
    draw = ImageDraw.Draw(made)
    draw.rectangle((left, top, picture.width, picture.height), (20, 20, 24))
    draw.text((picture.width / 2, top + 17), text, (235, 235, 235), font, "mm")
    return made


def main() -> None:
    """Reads image.png and the render beside it."""
    parser = argparse.ArgumentParser(description="Thumbnail of a workflow.")
    parser.add_argument("folder", type=Path, help="run folder, rendered")
    parser.add_argument("target", type=Path, help="the .jpg")
    parser.add_argument("--caption", default="")
    given = parser.parse_args()
    photo = Image.open(given.folder / "image.png").convert("RGB")
    scene = Image.open(given.folder / "render.png").convert("RGB").resize(photo.size)
    captioned(thumbnail(photo, scene), given.caption).save(given.target, quality=85)


if __name__ == "__main__":
    main()
