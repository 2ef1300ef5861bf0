"""Bridges: what other graphs make becomes a stage's output, and what stages make feeds other graphs.

``handout.py`` joins the two: which object each item of a list belongs to. ``out_*.py`` hand things
out, the others take things in. Arrays and bytes here; ComfyUI's own types end in ``nodes/``.
"""
