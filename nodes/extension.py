"""The list of the pack's nodes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..cast_nodes.services.secrets import use_settings_folder
from .compose_scene import ComposeScene
from .demo_photo import DemoPhoto
from .depth import Depth
from .detect import Detect
from .filter import Filter
from .folders import pack_folder
from .inpaint import Inpaint
from .mesh import MeshObjects
from .preview import Preview
from .register import Register
from .save_scene import SaveScene


class CastExtension(ComfyExtension):
    """What :func:`comfy_entrypoint` hands to ComfyUI."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        use_settings_folder(pack_folder())  # keys may lie there in a .env file
        return [
            DemoPhoto, Detect, Filter, Depth, Inpaint, MeshObjects, Register, ComposeScene, SaveScene,
            Preview,
        ]  # fmt: skip
