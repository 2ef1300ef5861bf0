"""Silhouettes by Mitsuba 3: exact gradients of edges by projective sampling.

Zhang et al. 2023, "Projective Sampling for Differentiable Rendering of Geometry", is Mitsuba's
``direct_projective`` integrator. A silhouette needs no light: whoever hits the body is 1, whoever
misses is 0, the interior's derivative is nothing, and only the edges are sampled. That is about
three times faster than lighting a glowing body, and does not ask which way its faces are wound.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np
import torch

from ._diff_ready import Device

VARIANTS = {"cpu": "llvm_ad_rgb", "cuda": "cuda_ad_rgb"}
SAMPLES = 8
"""Rays a pixel for the picture, and samples a pixel for its edges' derivative."""
NEAR, FAR = 1e-2, 1e4


class MitsubaSilhouettes:
    """See :class:`._diff_render.Silhouettes`."""

    def __init__(
        self, vertices: np.ndarray, faces: np.ndarray, side: int, device: Device = "cpu"
    ) -> None:
        dr, mi = _modules()
        self._variant = VARIANTS[device]
        mi.set_variant(self._variant)
        mesh = mi.Mesh("body", len(vertices), len(faces))
        parameters = mi.traverse(mesh)
        # Placed before the camera only to have a size; the first call moves it.
        place = np.asarray(vertices, np.float32) + np.array([0, 0, 2], np.float32)
        parameters["vertex_positions"] = mi.Float(place.reshape(-1))
        parameters["faces"] = mi.UInt32(np.asarray(faces, np.uint32).reshape(-1))
        level = mi.logger().log_level()
        # Meshes that are not watertight are nothing to warn people of.
        mi.set_log_level(mi.LogLevel.Error)
        try:
            parameters.update()
            mesh.build_directed_edges()
            self._scene: Any = mi.load_dict(
                {
                    "type": "scene",
                    "body": mesh,
                    "sensor": {
                        "type": "perspective",
                        "fov": 90,
                        "near_clip": NEAR,
                        "far_clip": FAR,
                        "to_world": mi.ScalarTransform4f().look_at(
                            [0, 0, 0], [0, 0, 1], [0, -1, 0]
                        ),
                        "film": {
                            "type": "hdrfilm",
                            "width": side,
                            "height": side,
                            "pixel_format": "luminance",
                            "rfilter": {"type": "box"},
                            "sample_border": True,
                        },
                        "sampler": {"type": "independent", "sample_count": SAMPLES},
                    },
                }
            )
        finally:
            mi.set_log_level(level)
        self._parameters = mi.traverse(self._scene)
        self._key = "body.vertex_positions"
        properties = mi.Properties()
        properties["sppc"], properties["sppp"], properties["sppi"] = 0, SAMPLES, 0
        self._integrator = _silhouette_integrator(self._variant)(properties)

        @dr.wrap(source="torch", target="drjit")
        def draw(vertices, seed):
            self._parameters[self._key] = vertices.array
            self._parameters.update()
            return mi.render(
                self._scene,
                self._parameters,
                integrator=self._integrator,
                seed=seed,
                spp=SAMPLES,
            )

        self._draw = draw

    def __call__(self, vertices: torch.Tensor, seed: int) -> torch.Tensor:
        _, mi = _modules()
        if mi.variant() != self._variant:  # someone else in this process uses Mitsuba, too
            mi.set_variant(self._variant)
        return self._draw(vertices.contiguous(), seed)[..., 0]


def _modules() -> tuple[Any, Any]:
    """Dr.Jit and Mitsuba, whose types depend on the variant and are of no help here."""
    return importlib.import_module("drjit"), importlib.import_module("mitsuba")


@cache
def _silhouette_integrator(variant: str) -> type:
    """The integrator's class for a variant, which must be the current one."""
    dr, mi = _modules()
    assert mi.variant() == variant
    common = importlib.import_module("mitsuba.python.ad.integrators.common")

    class SilhouetteIntegrator(common.PSIntegrator):
        """1 where a ray hits, 0 where it misses."""

        def __init__(self, properties):
            super().__init__(properties)
            self.radiative_backprop = False

        def sample(self, mode, scene, sampler, ray, active, **kwargs):
            hit = scene.ray_test(ray, active)
            return dr.select(hit, mi.Spectrum(1), mi.Spectrum(0)), hit, [], None

        def sample_radiance_difference(self, scene, ss, curr_depth, sampler, wavelengths, active):
            # An edge counts where nothing of the body is before it (active) or behind it.
            edge = active & ~scene.ray_test(ss.spawn_ray(wavelengths), active)
            return dr.select(edge, mi.Spectrum(1), mi.Spectrum(0)), edge

    return SilhouetteIntegrator
