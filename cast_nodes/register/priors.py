"""What speaks for a pose before the photo is asked, in units of the score."""

from __future__ import annotations

import numpy as np

from .batch import Poses
from .judging import FALLBACK_HANDICAP
from .setting import Setting
from .starts import foot_height

GROUND_ERROR = 0.015
"""How well a floor's height is known, share of the distance."""
STANDS, SUNK = 0.06, 0.3
"""Score for standing on the floor, and lost by sinking into it."""
ELSEWHERE, NEARLY = 0.2, (0.2, 0.3)
"""Score lost where the geometry is a guess, yet puts the object quite elsewhere: from the first log
ratio of distances on, all of it from both together on."""
NEAR_SIDE = 0.6
"""Where the seen side lies on average, share of the half depth of a turned box."""
FACING = 0.08
"""Score that turning its front to the camera is worth for a thing rarely seen from behind, where
the geometry is a guess."""


def priors_of(setting: Setting, poses: Poses) -> np.ndarray:
    """(B,) of each pose."""
    rotation, translation = poses.rotation.cpu().numpy(), poses.translation.cpu().numpy()
    direction = translation / np.maximum(np.linalg.norm(translation, axis=1, keepdims=True), 1e-9)
    facing = -(rotation[:, :, 2] * direction).sum(1)
    priors = np.zeros(len(poses))
    height = foot_height(setting, poses).cpu().numpy()
    reach = GROUND_ERROR * setting.batch.distance.cpu().numpy()[poses.problem.cpu().numpy()]
    size = poses.log_size.exp().cpu().numpy()
    seen_at = setting.batch.distance.cpu().numpy()[poses.problem.cpu().numpy()]
    # What one sees of a thing is its near side, before its middle.
    half = np.stack([surface.half for surface in setting.surfaces])[poses.surface.cpu().numpy()]
    deep = size * (np.abs(rotation[:, 2]) * half).sum(1)
    ratio = np.maximum(translation[:, 2] - NEAR_SIDE * deep, 1e-3) / seen_at
    elsewhere = ((np.abs(np.log(ratio)) - NEARLY[0]) / NEARLY[1]).clip(0, 1)
    for i in range(len(poses)):
        problem = setting.problems[int(poses.problem[i])]
        if problem.floor is not None and poses.tilt[i] > 0:
            above = float(np.clip(height[i] / reach[i], -1e3, 1e3))
            priors[i] += STANDS * np.exp(-(above**2) / 2)
            priors[i] -= SUNK * min(1.0, max(0.0, -above / 2 - 1))
        candidate = setting.candidate(int(poses.problem[i]), int(poses.surface[i]))
        mesh = problem.candidates[candidate]
        if setting.is_fallback(int(poses.problem[i]), int(poses.surface[i])):
            # It cannot stand better than models do, nor should they win by that alone.
            priors[i] -= FALLBACK_HANDICAP - STANDS
        if problem.approximate:
            priors[i] -= ELSEWHERE * elsewhere[i]
        if problem.approximate and mesh.faces_viewer:
            priors[i] += FACING * facing[i]
    return priors
