"""The planes of a room out of its point map: gravity, floor and other levels, walls, ceiling."""
