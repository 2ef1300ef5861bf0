"""Runs of the same photos beside each other, as one picture a photo: to be looked at.

    cast run PHOTOS -o before --set detect.mask_method=colour
    cast run PHOTOS -o after
    python -m benchmarks.side_by_side before after --out sheets

Each row is one run: the photo with its masks, the scene from the photo's camera, and the scene
from elsewhere. A run that lacks a photo leaves its row grey.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cast_nodes.compose.turntable import render_folder
from cast_nodes.files import write_atomically
from cast_nodes.pictures import png_bytes
from cast_nodes.report.pictures import mask_overlay
from cast_nodes.run_folder import RunFolder

HEIGHT_PX = 420
FRAMES, ELSEWHERE = 9, 1
"""Pictures around the scene, and which of them is shown: 40° from the photo's side."""


def shown(picture: np.ndarray | Image.Image) -> Image.Image:
    """A picture HEIGHT_PX high."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image = image.convert("RGB")
    return image.resize((max(1, round(image.width * HEIGHT_PX / image.height)), HEIGHT_PX))


def row_of(folder: Path) -> list[Image.Image]:
    """Masks, the photo's view and another view of one finished run folder."""
    run = RunFolder(folder)
    objects = run.read_objects(run.read_photo())
    render_folder(folder, FRAMES)
    row = [shown(mask_overlay(objects)), shown(Image.open(folder / "render.png"))]
    around = folder / "turntable.webp"
    if around.is_file():
        with Image.open(around) as pictures:
            pictures.seek(min(ELSEWHERE, getattr(pictures, "n_frames", 1) - 1))
            row.append(shown(pictures.copy()))
    return row


def sheet(rows: dict[str, list[Image.Image]]) -> np.ndarray:
    """(H, W, 3) uint8, the rows with their names under one another."""
    width = max(sum(image.width for image in row) for row in rows.values())
    out = Image.new("RGB", (max(width, HEIGHT_PX), len(rows) * HEIGHT_PX), (128, 128, 128))
    pen = ImageDraw.Draw(out)
    for number, (name, row) in enumerate(rows.items()):
        x, y = 0, number * HEIGHT_PX
        for image in row:
            out.paste(image, (x, y))
            x += image.width
        pen.text((9, y + 7), name, fill="black", font_size=22)
        pen.text((8, y + 6), name, fill="white", font_size=22)
    return np.asarray(out)


def sheets(runs: Sequence[Path], out: Path) -> list[Path]:
    """Writes a picture for each photo that any of the runs has finished; gives their paths."""
    names = sorted({p.parent.name for run in runs for p in run.glob("*/scene.glb")})
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for name in names:
        done = {run: (run / name / "scene.glb").is_file() for run in runs}
        rows = {str(run): row_of(run / name) if ok else [] for run, ok in done.items()}
        made.append(out / f"{name}.png")
        write_atomically(made[-1], png_bytes(sheet(rows)))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs of the same photos beside each other.")
    parser.add_argument("runs", type=Path, nargs="+", help="folders that cast run wrote (-o)")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    made = sheets(args.runs, args.out)
    if not made:
        parser.error(f"no finished run in {', '.join(map(str, args.runs))}")
    print("\n".join(map(str, made)))


if __name__ == "__main__":
    main()
