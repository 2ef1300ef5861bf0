"""The measures by which all backends judge poses alike."""

from __future__ import annotations

TIE = 0.02
"""Scores closer than this are told apart by colour, or are ambiguous."""
COLOUR_TELLS = 0.15
"""Correlations of colours that differ by this much tell poses apart."""
FALLBACK_HANDICAP = 0.4
"""A mesh made from the very mask fits its outline by construction: as a fallback, behind models
that know nothing of the mask, it must fit better by this much to be the better explanation."""
APPROXIMATE_TRUST = 0.02
"""Weight of points that are a guess."""
SYMMETRIC_GAP = 0.012
"""Mean distance, in diagonals, below which a turned mesh counts as the same."""
STANDING = (0.1, 0.02)
"""An object stands on the floor when its lower end is no higher than this share of
its size plus this share of its distance (floors are estimates)."""
