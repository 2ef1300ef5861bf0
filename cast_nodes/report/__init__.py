"""The report: one HTML file without outside parts that shows a run. People look before they read.

``render_report(scene, run) -> str``; ``put_evaluation(page, evaluation)`` adds how near the scene is
to a truth. Pictures for node previews are in :mod:`.pictures`.
"""

from __future__ import annotations

from .evaluation import put_evaluation
from .page import render_report

__all__ = ["put_evaluation", "render_report"]
