"""Whole outlines behind occluders: the rules of Detect and Inpaint against the network.

    python -m training.masks.hidden --catalogue BlendSwap-CC-0.sh3f --data DIR [--crops 120]

Scenes of held-out models in which 15–50 % of a thing is hidden. Every method is told the true
visible mask and the true masks of the things in front; the network also sees the picture.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch

from cast_nodes.detect.occlusion import amodal_outline
from cast_nodes.inpaint.amodal import guess_hidden
from cast_nodes.mask_network.predict import Query, predict

from .arrange import arrange
from .data import tight_box
from .evaluate import interval
from .looks import Palette, make_look
from .models import load_models
from .render import SIDE, choose_view, frame, readable
from .textures import bank
from .trace import Traced, developed, heights

SEED = 55_000


def cases(models, palette: Palette, count: int):
    """(rgb, visible, front, whole) of ``count`` things that are 15–50 % hidden by others."""
    found, number = 0, 0
    while found < count:
        rng = np.random.default_rng([SEED, number])
        number += 1
        scene = arrange(rng, models, heights)
        if len(scene.things) < 2:
            continue
        traced = Traced(scene, rng)
        for index in range(len(scene.things)):
            view = choose_view(rng, scene, [index])
            framed = None if view is None else frame(traced, view, [index])
            if view is None or framed is None or not 0.5 < framed[1] < 0.85:
                continue
            window = framed[0]
            who = traced.items(view, window, SIDE)
            visible = who == index
            whole = traced.alone(view, window, SIDE, [index]) | visible
            hiding = np.unique(who[whole & ~visible])
            front = np.isin(who, hiding[hiding >= 0])
            if not 0.5 < visible.sum() / whole.sum() < 0.85 or not front.any():
                continue
            look = make_look(rng, scene, palette, index)
            light, _ = traced.shoot(view, window, SIDE, look, rng)
            yield developed(light, look.exposure), visible, front, whole
            found += 1
            if found == count:
                return


def main() -> None:
    parser = argparse.ArgumentParser(description="Whole outlines behind occluders.")
    parser.add_argument("--catalogue", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=os.environ.get("CAST_MASK_DATA"))
    parser.add_argument("--crops", type=int, default=120)
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data (or $CAST_MASK_DATA) names a folder for textures")
    torch.set_num_threads(1)
    models = [m for m in readable(load_models(args.catalogue)) if m.held_out]
    palette = Palette(bank(Path(args.data) / "textures_of_test.npz", 77_000, 2))
    overlap: dict[str, list[float]] = {}
    hidden_part: dict[str, list[float]] = {}
    ratio: dict[str, list[float]] = {}
    for rgb, visible, front, whole in cases(models, palette, args.crops):
        x0, y0, x1, y1 = (float(v) for v in tight_box(visible))
        prediction = predict(rgb, [Query((x0, y0, x1, y1))])[0]
        by_network = prediction.outline((0, 0, SIDE, SIDE)) | visible
        by_hull = (amodal_outline(visible, [front]) & front) | visible
        by_mirror = guess_hidden(visible, front).hidden | visible
        guesses = {
            "what is seen": visible,
            "hull (Detect's occlusion)": by_hull,
            "mirror and bridges": by_mirror,
            "network": by_network,
            "network, only under what is in front": (by_network & front) | visible,
            "both (Inpaint's patch)": guess_hidden(visible, front, by_network).hidden | visible,
        }
        true_hidden = whole & front & ~visible
        share = visible.sum() / whole.sum()
        for name, guess in guesses.items():
            overlap.setdefault(name, []).append((guess & whole).sum() / (guess | whole).sum())
            part = guess & ~visible
            both = (part & true_hidden).sum() / max((part | true_hidden).sum(), 1)
            hidden_part.setdefault(name, []).append(both)
            ratio.setdefault(name, []).append(abs(visible.sum() / guess.sum() - share))
        ratio.setdefault("network's own estimate", []).append(abs(prediction.share - share))
    print(
        "| method | whole IoU | 95 % | hidden part IoU | share off by |\n| --- | --- | --- | --- | --- |"
    )
    for name, off in ratio.items():
        values = np.array(overlap.get(name, [np.nan]))
        low, high = interval(values)
        part = np.mean(hidden_part.get(name, [np.nan]))
        print(
            f"| {name} | {values.mean():.3f} | {low:.3f} to {high:.3f} | {part:.3f} | {np.mean(off):.3f} |"
        )


if __name__ == "__main__":
    main()
