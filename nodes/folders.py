"""Where the pack keeps what is its own."""

from __future__ import annotations

from pathlib import Path

import folder_paths


def pack_folder() -> Path:
    """The pack's folder among ComfyUI's protected user folders, which no web request can read."""
    return Path(folder_paths.get_system_user_directory("cast"))
