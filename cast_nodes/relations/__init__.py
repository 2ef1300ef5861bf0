"""Relations: which object carries, holds, leans on or belongs to which.

:mod:`.graph` is the one graph; :mod:`.from_geometry` finds it from posed meshes and the room's
planes, :mod:`.by_looking` asks a model that looks, :mod:`.merging` makes one of both.
"""
