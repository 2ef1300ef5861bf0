"""Trains the mask network.

    python -m training.masks.train --data DIR --out DIR [--steps 8000] [--device cuda]

Seeded and resumable: with the same folder, an interrupted run continued is the uninterrupted
one. ``--out`` gets ``state.pt`` (to go on), ``log.jsonl``, ``curve.png`` and, at each check,
``mask_network.npz`` (the averaged weights, float32; ``python -m training.masks.evaluate
--export`` packs them). More ``--steps`` on the same folders goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from cast_nodes.mask_network.network import make_network

from .data import Batch, Crops, click_where_wrong, load_crops, plain_batch, training_batch

AHEAD = 3
"""Batches prepared while the network works."""


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        steps, batch, rate, decay, seed: as in AdamW with one cycle of its rate.
        sides: (share of the steps from which on, side of the crops): small ones first.
        average: decay of the weights' moving average.
        check: steps between validations.
    """

    steps: int = 8000
    batch: int = 32
    rate: float = 2.5e-3
    decay: float = 0.02
    seed: int = 0
    sides: tuple[tuple[float, int], ...] = ((0.0, 96), (0.25, 128), (0.55, 160))
    average: float = 0.998
    check: int = 400
    click_every: int = 3

    def side(self, step: int) -> int:
        return [s for share, s in self.sides if step >= share * self.steps][-1]

    def rate_at(self, step: int) -> float:
        """One cycle (Smith 2018): a short rise, then half a cosine to nearly zero."""
        rise = max(1, round(0.04 * self.steps))
        if step < rise:
            return self.rate * (step + 1) / rise
        part = min(1.0, (step - rise) / max(1, self.steps - rise))
        return float(self.rate * (0.005 + 0.995 * 0.5 * (1 + np.cos(np.pi * part))))


def losses(
    masks: torch.Tensor, judged: torch.Tensor, batch: Batch
) -> tuple[torch.Tensor, torch.Tensor]:
    """(the loss, (n,) IoU of the seen masks)."""
    logits, truth = masks.float(), batch.truth
    # Borders count more: that is where masks are right or wrong.
    near = functional.max_pool2d(truth, 7, 1, 3) + functional.max_pool2d(-truth, 7, 1, 3)
    weight = (1 + 3 * near.clamp(0, 1)) * batch.valid.clamp(min=0.2)
    cross = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    cross = (cross * weight).sum((2, 3)) / weight.sum((2, 3))
    soft = torch.sigmoid(logits)
    both = (soft * truth).sum((2, 3))
    union = (soft + truth - soft * truth).sum((2, 3))
    overlap = 1 - (both + 1) / (union + 1)
    each = cross + overlap
    with torch.no_grad():
        hard, true = logits[:, 0] > 0, truth[:, 0] > 0.5
        iou = (hard & true).sum((1, 2)) / (hard | true).sum((1, 2)).clamp_min(1)
    target = torch.stack([iou.float(), batch.share], 1)
    judge = functional.binary_cross_entropy_with_logits(judged.float(), target)
    return each[:, 0].mean() + 0.7 * each[:, 1].mean() + 0.2 * judge, iou


class Trainer:
    """A run: network, average, optimiser and the step they are at."""

    def __init__(self, plan: Plan, crops: Crops, device: str = "cpu", low: bool = True) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.crops, self.device, self.low = plan, crops, device, low
        self.network = make_network().to(device).to(memory_format=torch.channels_last)
        self.averaged = make_network().to(device).to(memory_format=torch.channels_last)
        self.averaged.load_state_dict(self.network.state_dict())
        for parameter in self.averaged.parameters():
            parameter.requires_grad_(False)
        groups = [
            {
                "params": [p for p in self.network.parameters() if p.ndim > 1],
                "weight_decay": plan.decay,
            },
            {"params": [p for p in self.network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98))
        self.step = 0

    def batch(self, step: int) -> Batch:
        plan = self.plan
        return training_batch(self.crops, step, plan.batch, plan.side(step), plan.seed)

    def run(self, network: torch.nn.Module, inputs: torch.Tensor):
        kind = "cuda" if self.device.startswith("cuda") else "cpu"
        with torch.autocast(kind, torch.bfloat16, enabled=self.low):
            return network(inputs.contiguous(memory_format=torch.channels_last))

    def advance(self, batch: Batch) -> tuple[float, float]:
        """One step; gives its loss and mean IoU."""
        plan = self.plan
        self.network.train()
        batch = batch.to(self.device)
        if self.step % plan.click_every == 0 and self.step > 0.1 * plan.steps:
            self._click(batch)
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate_at(self.step)
        masks, judged = self.run(self.network, batch.inputs())
        loss, iou = losses(masks, judged, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 3.0)
        self.optimiser.step()
        keep = min(plan.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(
                self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - keep)
                else:
                    mean.copy_(now)
        self.step += 1
        return float(loss.detach()), float(iou.mean())

    def _click(self, batch: Batch) -> None:
        """Clicks of a user who corrects the present network's masks, on half of the batch."""
        half = len(batch.rgb) // 2
        self.averaged.eval()
        with torch.no_grad():
            masks, _ = self.run(self.averaged, batch.inputs()[:half])
        guess = (masks[:, 0].float() > 0).cpu().numpy()
        truth = (batch.truth[:half, 0] > 0.5).cpu().numpy()
        valid = (batch.valid[:half, 0] > 0.5).cpu().numpy()
        clicks = batch.clicks[:half].cpu()
        for i in range(half):
            click_where_wrong(clicks[i], guess[i], truth[i], valid[i])
        batch.clicks[:half] = clicks.to(batch.clicks.device)

    def state(self) -> dict:
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }

    def restore(self, state: dict) -> None:
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])


def validate(trainer: Trainer, crops: Crops, side: int = 160) -> dict[str, float]:
    """IoU of seen and of whole masks on held-out models, boxes off by up to 4 %."""
    trainer.averaged.eval()
    seen, whole = [], []
    for start in range(0, len(crops), 50):
        which = np.arange(start, min(start + 50, len(crops)))
        batch = plain_batch(crops, which, side, seed=1).to(trainer.device)
        with torch.no_grad():
            masks, _ = trainer.run(trainer.averaged, batch.inputs())
        hard, truth = masks.float() > 0, batch.truth > 0.5
        iou = (hard & truth).sum((2, 3)) / (hard | truth).sum((2, 3)).clamp_min(1)
        seen.append(iou[:, 0].cpu())
        whole.append(iou[:, 1].cpu())
    hidden = torch.from_numpy((crops.share > 0.5) & (crops.share < 0.85))
    all_whole = torch.cat(whole)
    return {
        "seen": float(torch.cat(seen).mean()),
        "whole": float(all_whole.mean()),
        "whole_hidden": float(all_whole[hidden].mean()) if hidden.any() else float("nan"),
    }


def draw_curve(log: Path, out: Path) -> None:
    """Training loss and validation IoU over steps as a small picture."""
    from PIL import Image, ImageDraw

    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    checks = [r for r in rows if "seen" in r]
    if not checks:
        return
    width, height, edge = 720, 420, 44
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    last = max(r["step"] for r in rows)

    def at(step: float, value: float) -> tuple[float, float]:
        return (
            edge + step / last * (width - 2 * edge),
            height - edge - (value - 0.4) / 0.6 * (height - 2 * edge),
        )

    for tick in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        pen.line([at(0, tick), at(last, tick)], fill=(225, 225, 225))
        pen.text((6, at(0, tick)[1] - 6), f"{tick:.1f}", fill="black")
    for name, colour in (
        ("train", (170, 170, 170)),
        ("seen", (200, 40, 40)),
        ("whole", (40, 80, 200)),
        ("whole_hidden", (40, 150, 60)),
    ):
        points = [
            at(r["step"], max(0.4, r[name]))
            for r in checks
            if r.get(name) == r.get(name) and name in r
        ]
        if len(points) > 1:
            pen.line(points, fill=colour, width=2)
    pen.text(
        (edge, 8),
        f"IoU over {last} steps: train grey, held-out models: seen red, whole blue, whole of 15-50 % hidden green",
        fill="black",
    )
    pen.text((width - 2 * edge, height - 20), f"step {last}", fill="black")
    image.save(out)


def save(trainer: Trainer, out: Path) -> None:
    partial = out / "state.partial"
    torch.save(trainer.state(), partial)
    partial.replace(out / "state.pt")
    weights = {k: v.cpu().numpy() for k, v in trainer.averaged.state_dict().items()}
    np.savez(out / "mask_network.npz", **weights)


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains the mask network.")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("CAST_MASK_DATA"),
        help="folder of the shards (or $CAST_MASK_DATA)",
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--batch", type=int, default=Plan.batch)
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--crops", type=int, help="at most this many crops")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch, on the CPU")
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data (or $CAST_MASK_DATA) names the folder with the shards")
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    plan = Plan(args.steps, args.batch, args.rate, seed=args.seed)
    crops = load_crops(Path(args.data), "train", args.crops)
    held_out = load_crops(Path(args.data), "val", 500)
    trainer = Trainer(plan, crops, args.device)
    state = args.out / "state.pt"
    if state.is_file():
        trainer.restore(torch.load(state, map_location=args.device, weights_only=True))
    log = args.out / "log.jsonl"
    print(f"{len(crops)} crops, from step {trainer.step} of {plan.steps}", flush=True)
    start, sums, count = time.perf_counter(), np.zeros(2), 0
    with ThreadPoolExecutor(1) as pool:
        ready = [pool.submit(trainer.batch, trainer.step + i) for i in range(AHEAD)]
        while trainer.step < plan.steps:
            batch = ready.pop(0).result()
            ready.append(pool.submit(trainer.batch, trainer.step + AHEAD))
            sums += trainer.advance(batch)
            count += 1
            if trainer.step % plan.check and trainer.step < plan.steps:
                continue
            loss, iou = sums / count
            row = {
                "step": trainer.step, "side": plan.side(trainer.step - 1), "loss": round(loss, 4),
                "train": round(iou, 4), **{k: round(v, 4) for k, v in validate(trainer, held_out).items()},
                "seconds": round(time.perf_counter() - start, 1), "crops": len(crops),
            }  # fmt: skip
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
            save(trainer, args.out)
            draw_curve(log, args.out / "curve.png")
            sums, count = np.zeros(2), 0


if __name__ == "__main__":
    main()
