"""CAST: one photo in, one editable 3D scene out. The engine; it imports nothing of ComfyUI."""

__version__ = "0.1.0"
