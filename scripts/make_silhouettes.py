"""Makes cast_nodes/detect/silhouettes.npz: how objects fill their boxes, per group of labels.

    python scripts/make_silhouettes.py FOLDER_OF_MODELS

Each model (GLB, with a manifest.json of labels and sizes, y up, standing on y = 0) is looked at
by a perspective camera from several sides and heights; each silhouette is stretched to a square
grid over its own bounding box. Use models whose licence lets their outlines be published (the
file in the repository was made from CC0 models).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import trimesh
from scipy.ndimage import binary_closing

SIDE = 32
VIEWS = 14
POINTS = 60_000
OUT = Path(__file__).parent.parent / "cast_nodes" / "detect" / "silhouettes.npz"


def silhouette(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(SIDE, SIDE) bool: the surface points seen by a random camera, over their own box."""
    yaw, pitch = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(2, 32))
    size = np.ptp(points, axis=0).max()
    centred = points - (points.max(0) + points.min(0)) / 2
    c, s = np.cos(yaw), np.sin(yaw)
    x, z = c * centred[:, 0] + s * centred[:, 2], -s * centred[:, 0] + c * centred[:, 2]
    y = centred[:, 1]
    depth = size * rng.uniform(1.8, 5) - (np.cos(pitch) * z + np.sin(pitch) * y)
    up = np.cos(pitch) * y - np.sin(pitch) * z
    image = np.stack([x / depth, -up / depth], 1)
    low, high = image.min(0), image.max(0)
    fine = 3 * SIDE
    cell = np.clip(((image - low) / (high - low) * fine).astype(int), 0, fine - 1)
    grid = np.zeros((fine, fine), bool)
    grid[cell[:, 1], cell[:, 0]] = True
    grid = binary_closing(np.pad(grid, 2), iterations=1)[2:-2, 2:-2]
    return grid.reshape(SIDE, 3, SIDE, 3).mean((1, 3)) >= 0.5


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    manifest = json.loads((folder / "manifest.json").read_text())
    masks, labels = [], []
    for model in manifest:
        mesh = trimesh.load(folder / model["file"], force="mesh")
        points = np.asarray(mesh.sample(POINTS, seed=0))
        for _ in range(VIEWS):
            mask = silhouette(points, rng)
            masks += [mask, mask[:, ::-1]]
            labels += [model["label"]] * 2
    packed = np.packbits(np.array(masks).reshape(len(masks), -1), axis=1)
    np.savez_compressed(OUT, packed=packed, side=SIDE, labels=np.array(labels))
    print(f"{len(masks)} silhouettes, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
