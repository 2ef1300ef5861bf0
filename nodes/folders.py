"""Where the pack keeps what is its own."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import folder_paths

from ..cast_nodes.context import Folders

MODELS = "cast"
"""The pack's kind of model folder, as extra_model_paths.yaml names it."""


def pack_folder() -> Path:
    """The pack's folder among ComfyUI's protected user folders, which no web request can read."""
    return Path(folder_paths.get_system_user_directory("cast"))


def pack_folders() -> Folders:
    """The engine's folders, its models among ComfyUI's.

    Weights lie in ``models/cast``, or where extra_model_paths.yaml says under ``cast``;
    ``CAST_MODELS`` comes before both.
    """
    folder_paths.add_model_folder_path(MODELS, str(Path(folder_paths.models_dir) / "cast"))
    named = Folders.default()
    own = tuple(Path(path) for path in folder_paths.get_folder_paths(MODELS))
    first = named.models if os.environ.get("CAST_MODELS", "").strip() else ()
    return replace(named, models=(*first, *own))
