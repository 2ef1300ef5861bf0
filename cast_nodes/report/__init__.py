"""The report: one HTML file without outside parts that shows a run. People look before they read.

``render_report(scene, run) -> str``. Pictures for node previews are in :mod:`.pictures`.
"""

from __future__ import annotations

from .page import render_report

__all__ = ["render_report"]
