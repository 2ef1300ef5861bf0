"""The list of the pack's nodes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..cast_nodes.services.secrets import use_settings_folder
from .compose_scene import ComposeScene
from .demo_photo import DemoPhoto
from .depth import Depth
from .detect import Detect
from .edit_objects import EditObjects
from .evaluate import Evaluate
from .export import Export
from .filter import Filter
from .folders import pack_folder
from .from_bbox import ObjectsFromBbox
from .from_bounding_boxes import ObjectsFromBoundingBoxes
from .from_da3 import GeometryFromDa3
from .from_depth_image import GeometryFromDepthImage
from .from_files import MeshesFromFiles
from .from_images import ViewsFromImages
from .from_masks import ObjectsFromMasks
from .from_meshes import MeshesFromMesh
from .from_moge import GeometryFromMoge
from .from_poses import PlacementsFromPoses
from .from_segs import ObjectsFromSegs
from .from_trimesh import MeshesFromTrimesh
from .gather_room import GatherRoom
from .gather_views import GatherViews
from .inpaint import Inpaint
from .mesh import MeshObjects
from .needs import add_route
from .objects_to_images import ObjectsToImages
from .override_mesh import OverrideMesh
from .override_object import OverrideObject
from .override_pose import OverridePose
from .override_view import OverrideView
from .pick_object import PickObject
from .preview import Preview
from .preview_scene import PreviewScene
from .register import Register
from .review import ReviewObjects
from .room_to_image import RoomToImage
from .save_scene import SaveScene
from .scene_maps import SceneMaps
from .scene_room import SceneRoom
from .scene_to_meshes import SceneToMeshes
from .views_to_images import ViewsToImages


class CastExtension(ComfyExtension):
    """What :func:`comfy_entrypoint` hands to ComfyUI."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        use_settings_folder(pack_folder())  # keys may lie there in a .env file
        add_route()
        return [
            DemoPhoto, Detect, Filter, Depth, Inpaint, MeshObjects, Register, ComposeScene, SaveScene,
            Export, Preview, PreviewScene, ReviewObjects, Evaluate,
            ObjectsFromMasks, ObjectsFromBoundingBoxes, ObjectsFromBbox, ObjectsFromSegs,
            GeometryFromMoge, GeometryFromDa3, GeometryFromDepthImage,
            MeshesFromMesh, MeshesFromFiles, MeshesFromTrimesh, ViewsFromImages, PlacementsFromPoses,
            ObjectsToImages, GatherViews, RoomToImage, GatherRoom, ViewsToImages,
            SceneToMeshes, SceneMaps, SceneRoom,
            EditObjects, PickObject, OverrideObject, OverrideView, OverrideMesh, OverridePose,
        ]  # fmt: skip
