"""The mask network: its data, its training and its measures (docs/masks.md)."""
