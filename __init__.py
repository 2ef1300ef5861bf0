"""CAST for ComfyUI: one photo becomes an editable 3D scene.

ComfyUI loads this folder as a custom node. The engine is ``cast_nodes`` and needs no ComfyUI.
"""

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    """Called by ComfyUI; everything is imported here, so that importing this costs nothing."""
    from .nodes.extension import CastExtension

    return CastExtension()
