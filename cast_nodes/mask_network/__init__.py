"""The pack's own network: what is seen of a thing in a box, its whole outline, and how sure that is.

Detect asks it for masks, Inpaint for what others hide. ``training/masks`` makes its weights.
"""
