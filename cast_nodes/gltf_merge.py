"""Many GLBs become one: parts are copied byte for byte, indices are renumbered.

Everything below the node tree (buffer views, accessors, images, samplers, textures, materials,
meshes) is kept once per content: two objects with the same mesh, or two meshes with the same
texture, share it. Nodes, skins and animations are never shared. Only what the default scene
reaches is taken over.

Extensions: those whose content is numbers only are copied; those that hold indices are
renumbered (texture infos inside materials, ``KHR_lights_punctual``, ``KHR_materials_variants``,
``EXT_texture_webp`` and the like, ``EXT_mesh_gpu_instancing``); others are left out, and refused
when the file says that it cannot be read without them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from .errors import CastError
from .gltf import Gltf, decode_data_uri, join_glb, open_glb, view_bytes

GENERATOR = "CAST for ComfyUI"
_DAMAGE = (KeyError, IndexError, ValueError, TypeError, AttributeError)

_VALUES_ONLY = ("KHR_materials_", "KHR_texture_transform", "KHR_mesh_quantization")
_WITH_INDICES = (
    "KHR_lights_punctual",
    "KHR_materials_variants",
    "KHR_texture_basisu",
    "EXT_texture_webp",
    "EXT_texture_avif",
    "MSFT_texture_dds",
    "EXT_mesh_gpu_instancing",
)


def _supported(extension: str) -> bool:
    return extension.startswith(_VALUES_ONLY) or extension in _WITH_INDICES


class GlbBuilder:
    """One GLB in the making."""

    def __init__(self) -> None:
        self._lists: dict[str, list[Any]] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._binary = bytearray()
        self._extensions: dict[str, dict[str, Any]] = {}
        self._used: set[str] = set()
        self._required: set[str] = set()

    def append(self, kind: str, entry: dict[str, Any]) -> int:
        """Adds an entry to one of the document's lists ("nodes", "cameras", …); its index."""
        entries = self._lists.setdefault(kind, [])
        entries.append(entry)
        return len(entries) - 1

    def share(self, kind: str, entry: dict[str, Any]) -> int:
        """As :meth:`append`, but an equal entry that is already there is used again."""
        known = (kind, json.dumps(entry, sort_keys=True))
        if known not in self._known:
            self._known[known] = self.append(kind, entry)
        return self._known[known]

    def add_view(self, content: bytes, properties: Mapping[str, Any] | None = None) -> int:
        """The index of a buffer view with this content; ``properties``: byteStride, target."""
        entry = dict(properties or {})
        known = ("content", hashlib.sha256(content).hexdigest() + json.dumps(entry, sort_keys=True))
        if known not in self._known:
            self._binary.extend(b"\0" * (-len(self._binary) % 4))
            place = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(content)}
            self._binary.extend(content)
            self._known[known] = self.append("bufferViews", place | entry)
        return self._known[known]

    def add_node(
        self,
        name: str,
        children: Sequence[int] = (),
        extras: Mapping[str, Any] | None = None,
        **properties: Any,
    ) -> int:
        """A node; ``properties`` are glTF's own (translation, rotation, scale, camera, mesh)."""
        node: dict[str, Any] = {"name": name, **properties}
        if children:
            node["children"] = list(children)
        if extras:
            node["extras"] = dict(extras)
        return self.append("nodes", node)

    def use_extension(self, name: str, required: bool = False) -> None:
        """Names an extension in ``extensionsUsed`` (and ``extensionsRequired``)."""
        self._used.add(name)
        if required:
            self._required.add(name)

    def root_extension(self, name: str) -> dict[str, Any]:
        """The document's own entry of an extension, made when absent."""
        self.use_extension(name)
        return self._extensions.setdefault(name, {})

    def add_glb(
        self,
        data: bytes,
        name: str = "mesh",
        prefix: str = "",
        roots: Sequence[int] | None = None,
    ) -> list[int]:
        """Takes over a GLB's default scene.

        Args:
            name: for errors.
            prefix: put before the names of its nodes.
            roots: only these of its nodes and what hangs below them; their parents' transforms
                do not come along.

        Returns:
            The indices of its root nodes, to be hung below a node of the new document.

        Raises:
            CastError: it cannot be read, or needs an extension that is not supported. The
                builder may hold parts of it then; try in a builder of its own first.
        """
        source = open_glb(data, name)
        lacking = [e for e in source.document.get("extensionsRequired", []) if not _supported(e)]
        if lacking:
            raise CastError(
                f"{name} needs the glTF extension {lacking[0]}; export it again without"
            )
        try:
            return _Import(self, source, prefix).run(roots)
        except _DAMAGE as error:
            raise CastError(f"{name} is damaged ({error}); export it again") from error

    def build(self, roots: Sequence[int], name: str = "scene", **extras: Any) -> bytes:
        """The GLB with ``roots`` as the nodes of its one scene."""
        scene: dict[str, Any] = {"name": name}
        if roots:
            scene["nodes"] = list(roots)
        if extras:
            scene["extras"] = extras
        document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": GENERATOR},
            "scene": 0,
            "scenes": [scene],
        }
        if self._used:
            document["extensionsUsed"] = sorted(self._used)
        if self._required:
            document["extensionsRequired"] = sorted(self._required)
        if self._extensions:
            document["extensions"] = self._extensions
        document |= {kind: entries for kind, entries in self._lists.items() if entries}
        if self._binary:
            document["buffers"] = [{"byteLength": len(self._binary)}]
        return join_glb(document, bytes(self._binary))


class _Import:
    """Takes one document over, entry by entry, each when it is first referred to."""

    def __init__(self, builder: GlbBuilder, source: Gltf, prefix: str) -> None:
        self.builder, self.source, self.prefix = builder, source, prefix
        self.document = source.document
        self.required = set(self.document.get("extensionsRequired", []))
        self.nodes: dict[int, int] = {}
        self.done: dict[tuple[str, int], int] = {}

    def run(self, chosen: Sequence[int] | None) -> list[int]:
        quantised = (
            "KHR_mesh_quantization"  # the one extension that leaves no mark where it is used
        )
        if quantised in self.document.get("extensionsUsed", []):
            self.builder.use_extension(quantised, quantised in self.required)
        roots = [self._node(int(r)) for r in (self._roots() if chosen is None else chosen)]
        for old, new in list(self.nodes.items()):
            if "skin" in self.document["nodes"][old]:
                skin = self._skin(self.document["nodes"][old]["skin"])
                self.builder._lists["nodes"][new]["skin"] = skin
        for animation in self.document.get("animations", []):
            self._animation(animation)
        return roots

    def _roots(self) -> Sequence[int]:
        scenes = self.document.get("scenes", [])
        if scenes:
            return scenes[self.document.get("scene", 0)].get("nodes", [])
        nodes = self.document.get("nodes", [])
        children = {c for node in nodes for c in node.get("children", [])}
        return [i for i in range(len(nodes)) if i not in children]

    def _copy(self, kind: str, index: int) -> dict[str, Any]:
        """A copy of an entry, with the extensions that can be taken over."""
        if index < 0:
            raise IndexError(f"{kind}[{index}] does not exist")
        entry = deepcopy(self.document[kind][index])
        self._keep_extensions(entry)
        return entry

    def _keep_extensions(self, item: Any) -> None:
        """Drops unsupported extensions anywhere below ``item`` and notes the others as used."""
        if isinstance(item, list):
            for part in item:
                self._keep_extensions(part)
        if not isinstance(item, dict):
            return
        if isinstance(item.get("extensions"), dict):
            kept = {k: v for k, v in item["extensions"].items() if _supported(k)}
            for name in kept:
                self.builder.use_extension(name, name in self.required)
            item["extensions"] = kept
            if not kept:
                del item["extensions"]
        for name, part in item.items():
            if name != "extras":
                self._keep_extensions(part)

    def _once(self, kind: str, index: int, entry: dict[str, Any]) -> int:
        return self.done.setdefault((kind, index), self.builder.share(kind, entry))

    def _view(self, index: int) -> int:
        view = self.document["bufferViews"][index]
        keep = {k: view[k] for k in ("byteStride", "target") if k in view}
        return self.builder.add_view(view_bytes(self.source, index), keep)

    def _accessor(self, index: int) -> int:
        if ("accessors", index) in self.done:
            return self.done["accessors", index]
        entry = self._copy("accessors", index)
        if "bufferView" in entry:
            entry["bufferView"] = self._view(entry["bufferView"])
        for name in ("indices", "values") if "sparse" in entry else ():
            part = entry["sparse"][name]
            part["bufferView"] = self._view(part["bufferView"])
        return self._once("accessors", index, entry)

    def _image(self, index: int) -> int:
        entry = self._copy("images", index)
        if "bufferView" in entry:
            entry["bufferView"] = self._view(entry["bufferView"])
        else:
            uri = entry.pop("uri")
            content = decode_data_uri(uri)
            entry.setdefault("mimeType", uri[5:].partition(";")[0] or "image/png")
            entry["bufferView"] = self.builder.add_view(content)
        return self._once("images", index, entry)

    def _texture(self, index: int) -> int:
        if ("textures", index) in self.done:
            return self.done["textures", index]
        entry = self._copy("textures", index)
        if "source" in entry:
            entry["source"] = self._image(entry["source"])
        if "sampler" in entry:
            sampler = self._copy("samplers", entry["sampler"])
            entry["sampler"] = self.builder.share("samplers", sampler)
        for extension in entry.get("extensions", {}).values():
            if "source" in extension:
                extension["source"] = self._image(extension["source"])
        return self._once("textures", index, entry)

    def _material(self, index: int) -> int:
        if ("materials", index) in self.done:
            return self.done["materials", index]
        entry = self._copy("materials", index)
        self._texture_infos(entry)
        return self._once("materials", index, entry)

    def _texture_infos(self, item: Any) -> None:
        """Every texture info of a material, in the core as in extensions: "…Texture.index"."""
        if not isinstance(item, dict):
            return
        for name, part in item.items():
            if name == "extras":
                continue
            if name.lower().endswith("texture") and isinstance(part, dict) and "index" in part:
                part["index"] = self._texture(part["index"])
            self._texture_infos(part)

    def _mesh(self, index: int) -> int:
        if ("meshes", index) in self.done:
            return self.done["meshes", index]
        entry = self._copy("meshes", index)
        for primitive in entry["primitives"]:
            for attributes in [primitive["attributes"], *primitive.get("targets", [])]:
                for name in attributes:
                    attributes[name] = self._accessor(attributes[name])
            if "indices" in primitive:
                primitive["indices"] = self._accessor(primitive["indices"])
            if "material" in primitive:
                primitive["material"] = self._material(primitive["material"])
            variants = primitive.get("extensions", {}).get("KHR_materials_variants")
            for mapping in (variants or {}).get("mappings", []):
                mapping["material"] = self._material(mapping["material"])
                mapping["variants"] = [self._variant(v) for v in mapping["variants"]]
        return self._once("meshes", index, entry)

    def _variant(self, index: int) -> int:
        variants = self.document["extensions"]["KHR_materials_variants"]["variants"]
        kept = self.builder.root_extension("KHR_materials_variants").setdefault("variants", [])
        if variants[index] not in kept:  # variants are chosen by name, so equal names are one
            kept.append(variants[index])
        return kept.index(variants[index])

    def _node(self, index: int) -> int:
        if index in self.nodes:
            raise ValueError(f"node {index} has two parents")
        entry = self._copy("nodes", index)
        entry.pop("skin", None)  # skins refer to nodes, so they come when all nodes are there
        new = self.nodes[index] = self.builder.append("nodes", entry)
        if self.prefix:
            entry["name"] = self.prefix + str(entry.get("name", f"node_{index}"))
        if "mesh" in entry:
            entry["mesh"] = self._mesh(entry["mesh"])
        if "camera" in entry:
            entry["camera"] = self.builder.share("cameras", self._copy("cameras", entry["camera"]))
        extensions = entry.get("extensions", {})
        if "KHR_lights_punctual" in extensions:
            lights = self.document["extensions"]["KHR_lights_punctual"]["lights"]
            kept = self.builder.root_extension("KHR_lights_punctual").setdefault("lights", [])
            kept.append(deepcopy(lights[extensions["KHR_lights_punctual"]["light"]]))
            extensions["KHR_lights_punctual"]["light"] = len(kept) - 1
        instances = extensions.get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
        for name in instances:
            instances[name] = self._accessor(instances[name])
        if "children" in entry:
            entry["children"] = [self._node(int(child)) for child in entry["children"]]
        return new

    def _skin(self, index: int) -> int:
        if ("skins", index) in self.done:
            return self.done["skins", index]
        entry = self._copy("skins", index)
        entry["joints"] = [self.nodes[joint] for joint in entry["joints"]]
        if "skeleton" in entry:
            entry["skeleton"] = self.nodes[entry["skeleton"]]
        if "inverseBindMatrices" in entry:
            entry["inverseBindMatrices"] = self._accessor(entry["inverseBindMatrices"])
        self.done["skins", index] = self.builder.append("skins", entry)
        return self.done["skins", index]

    def _animation(self, animation: Mapping[str, Any]) -> None:
        """Animations come along as far as they move nodes that came along."""
        channels, samplers = [], []
        for channel in animation["channels"]:
            channel = deepcopy(dict(channel))
            self._keep_extensions(channel)
            if channel["target"].get("node") not in self.nodes:
                continue
            channel["target"]["node"] = self.nodes[channel["target"]["node"]]
            sampler = deepcopy(animation["samplers"][channel["sampler"]])
            sampler["input"] = self._accessor(sampler["input"])
            sampler["output"] = self._accessor(sampler["output"])
            channel["sampler"] = len(samplers)
            samplers.append(sampler)
            channels.append(channel)
        if channels:
            entry = {k: v for k, v in animation.items() if k in ("name", "extras")}
            self.builder.append("animations", entry | {"channels": channels, "samplers": samplers})
