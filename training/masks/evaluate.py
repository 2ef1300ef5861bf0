"""Measures a trained mask network on held-out models, and writes the weights that ship.

    python -m training.masks.evaluate --data DIR --run DIR [--kind val] [--export FILE] [--bits 8]

Prints, for crops of models that were not trained on: IoU of the seen and of the whole mask with
bootstrap intervals, by bin, after one and two clicks, and how well the network knows its own IoU.
``--export`` packs the weights (8: int8 convolutions, 16: float16) and measures those.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch

from cast_nodes.mask_network.network import load_network, make_network, pack_weights, unpack_weights

from .data import Crops, click_where_wrong, load_crops, plain_batch
from .render import FLAGS

SIDE = 160
CLICKS = 2
PER_BATCH = 25


def interval(values: np.ndarray, seed: int = 0, rounds: int = 1000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(rounds, len(values)))].mean(1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n,) of (n, s, s) bool masks."""
    both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
    return both / np.maximum(either, 1)


def ask(network: torch.nn.Module, batch) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 2, s, s) and judgements (n, 2) in 0..1, averaged with the mirror image's."""
    inputs = batch.inputs()
    with torch.inference_mode():
        both = torch.cat([inputs, inputs.flip(3)]).contiguous(memory_format=torch.channels_last)
        masks, judged = network(both)
    n = len(inputs)
    masks = (masks[:n] + masks[n:].flip(3)) / 2
    return masks.numpy(), torch.sigmoid((judged[:n] + judged[n:]) / 2).numpy()


def measure(network: torch.nn.Module, crops: Crops, clicks: int = CLICKS) -> dict[str, np.ndarray]:
    """Per crop: seen, whole, confidence, share, and seen after each click."""
    rows: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(crops), PER_BATCH):
        which = np.arange(start, min(start + PER_BATCH, len(crops)))
        batch = plain_batch(crops, which, SIDE, seed=1)
        truth = batch.truth.numpy() > 0.5
        valid = batch.valid.numpy()[:, 0] > 0.5
        masks, judged = ask(network, batch)
        found = {
            "seen": iou(masks[:, 0] > 0, truth[:, 0]),
            "whole": iou(masks[:, 1] > 0, truth[:, 1]),
            "confidence": judged[:, 0],
            "share": judged[:, 1],
        }
        for number in range(1, clicks + 1):
            for i in range(len(which)):
                click_where_wrong(batch.clicks[i], masks[i, 0] > 0, truth[i, 0], valid[i])
            masks, _ = ask(network, batch)
            found[f"clicks {number}"] = iou(masks[:, 0] > 0, truth[:, 0])
        for name, values in found.items():
            rows.setdefault(name, []).append(values)
    return {k: np.concatenate(v) for k, v in rows.items()}


def report(found: dict[str, np.ndarray], crops: Crops) -> dict:
    """The figures, ready to print."""

    def line(values: np.ndarray) -> list[float]:
        low, high = interval(values)
        return [round(v, 4) for v in (float(values.mean()), low, high)]

    hidden = (crops.share > 0.5) & (crops.share < 0.85)
    out: dict = {"crops": len(crops), "seen": line(found["seen"]), "whole": line(found["whole"])}
    if hidden.any():
        out["whole where 15-50 % are hidden"] = [int(hidden.sum()), *line(found["whole"][hidden])]
    for name in found:
        if name.startswith("clicks"):
            out[name] = line(found[name])
    for bit, name in enumerate(FLAGS):
        mine = (crops.flags >> bit & 1).astype(bool)
        if mine.sum() >= 5:
            out[name] = [int(mine.sum()), *line(found["seen"][mine])]
    confidence, true = found["confidence"], found["seen"]
    out["confidence off by (mean)"] = round(float(np.abs(confidence - true).mean()), 4)
    out["confidence too high by"] = round(float((confidence - true).mean()), 4)
    out["confidence correlates"] = round(float(np.corrcoef(confidence, true)[0, 1]), 4)
    out["share off by (mean)"] = round(float(np.abs(found["share"] - crops.share).mean()), 4)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the mask network.")
    parser.add_argument("--data", type=Path, default=os.environ.get("CAST_MASK_DATA"))
    parser.add_argument("--run", type=Path, help="folder of a training run; default: what ships")
    parser.add_argument("--kind", default="val", help="val, or test for the path-traced crops")
    parser.add_argument("--most", type=int, default=500)
    parser.add_argument("--export", type=Path, help="write packed weights here and measure them")
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8)
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data (or $CAST_MASK_DATA) names the folder with the shards")
    torch.set_num_threads(1)
    crops = load_crops(Path(args.data), args.kind, args.most)
    if args.run is None:
        network = load_network()
    else:
        with np.load(args.run / "mask_network.npz") as stored:
            state = dict(stored)
        if args.export:
            packed = pack_weights(state, args.bits)
            np.savez_compressed(args.export, **packed)
            print(f"{args.export}: {args.export.stat().st_size / 1e6:.2f} MB")
            state = unpack_weights(packed)
        network = make_network()
        network.load_state_dict({k: torch.from_numpy(np.asarray(v)) for k, v in state.items()})
        network.eval()
    for name, value in report(measure(network, crops), crops).items():
        print(json.dumps({name: value}), flush=True)


if __name__ == "__main__":
    main()
