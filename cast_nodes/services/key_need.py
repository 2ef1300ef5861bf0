"""A key as a backend's need, asked for before anything runs."""

from __future__ import annotations

from ..backends import Need
from .secrets import note_key, setting


def key_need(variable: str, where_to_get_it: str) -> Need:
    """The need for a key: present when the setting is, mended by the place that gives one."""
    note_key(variable)
    return Need(
        f"key {variable}",
        lambda context: setting(variable) is not None,
        f"get one at {where_to_get_it} and set {variable} in the environment or a .env file",
    )
