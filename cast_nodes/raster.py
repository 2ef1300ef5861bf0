"""A z-buffer rasteriser in numpy: which triangle each pixel sees, and where on it.

Visibility is found by scanlines, all triangles at once: triangles become rows, rows become
pixels, and the pixels race for the buffer by inverse depth (which is linear on the screen).
Where on the winning triangle a pixel's ray lands is then computed once per pixel by
intersecting the ray with the unclipped triangle (homogeneous coordinates as in Olano & Greer,
"Triangle Scan Conversion Using 2D Homogeneous Coordinates", 1997), so barycentrics are
perspective-correct and refer to the face as it was given.

Limits: both sides of a face are drawn, there is no anti-aliasing (render larger and average),
transparency is the caller's (see ``behind``), lens distortion and skew are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROWS_AT_ONCE = 1 << 19
"""Bound of the triangle rows (and, times four, of the pixels) held at a time: about 150 MB."""

PEEL_MARGIN = 1e-5
"""How much farther, relative to the depth, the next layer must be."""


@dataclass(frozen=True, eq=False)
class Raster:
    """What each pixel's centre sees.

    Attributes:
        depth: (H, W) float32, z in the camera frame, NaN where nothing is hit.
        face: (H, W) int64, index into ``faces``, -1 where nothing is hit.
        bary: (H, W, 3) float64, weights of the face's three corners in space
            (perspective-correct, >= 0, sum 1), 0 where nothing is hit.
    """

    depth: np.ndarray
    face: np.ndarray
    bary: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool, pixels that hit something."""
        return self.face >= 0


def rasterize(
    vertices_camera: np.ndarray,
    faces: np.ndarray,
    intrinsics: np.ndarray,
    width: int,
    height: int,
    near: float = 1e-3,
    behind: np.ndarray | None = None,
) -> Raster:
    """Renders triangles into a z-buffer.

    Triangles that cross the near plane are clipped there; triangles with a corner that is not
    finite are left out. Faces that share an edge neither overlap nor leave a gap. Of faces at
    exactly the same depth the one listed first wins.

    Args:
        vertices_camera: (n, 3) in the camera frame (x right, y down, z forward).
        faces: (m, 3) int indices into the vertices.
        intrinsics: (3, 3) pixels, pixel centres at .5.
        width, height: size of the picture, >= 1.
        near: smallest depth that is seen, in the vertices' unit, > 0.
        behind: (H, W) depths or None; only what lies farther than these is seen (the next layer
            of depth peeling). NaN hides everything at its pixel.

    Raises:
        ValueError: wrong shapes, a face that names a vertex that is not there, or no pixels.
    """
    vertices = np.asarray(vertices_camera, np.float64)
    faces = np.asarray(faces)
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise ValueError(f"vertices_camera must be (n, 3), got {vertices.shape}")
    if faces.size == 0:
        faces = np.zeros((0, 3), np.int64)
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f"faces must be (m, 3), got {faces.shape}")
    if len(faces) and (int(faces.min()) < 0 or int(faces.max()) >= len(vertices)):
        raise ValueError(f"a face names a vertex outside 0..{len(vertices) - 1}")
    if width < 1 or height < 1 or not near > 0:
        raise ValueError(f"need width, height >= 1 and near > 0, got {width}, {height}, {near}")

    limit = None
    if behind is not None:
        if behind.shape != (height, width):
            raise ValueError(f"behind must be {(height, width)}, got {behind.shape}")
        with np.errstate(divide="ignore", invalid="ignore"):
            limit = ((1 - PEEL_MARGIN) / behind.astype(np.float64)).astype(np.float32).ravel()

    worth = _may_hit(vertices, faces, intrinsics, near)
    corners, source = _clip_near(vertices, faces[worth], near)
    source = worth[source]
    buffer = np.zeros(height * width, np.uint64)
    screen = _project(corners, intrinsics)
    for rows in _triangle_rows(screen, width, height):
        _fill(buffer, source, *rows, limit)
    return _resolve(buffer.reshape(height, width), vertices, faces, intrinsics)


def _may_hit(
    vertices: np.ndarray, faces: np.ndarray, intrinsics: np.ndarray, near: float
) -> np.ndarray:
    """Indices of the faces between whose extremes some pixel's centre lies.

    In a fine mesh seen small most faces hit none; they are dropped before anything is gathered.
    Faces that reach the near plane are all kept.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse_z = 1.0 / vertices[:, 2]
        x = vertices[:, 0] * inverse_z * intrinsics[0, 0] + (intrinsics[0, 2] - 0.5)
        y = vertices[:, 1] * inverse_z * intrinsics[1, 1] + (intrinsics[1, 2] - 0.5)
        sound = (vertices[:, 2] >= near) & np.isfinite(x) & np.isfinite(y)
        column = np.ceil(np.clip(np.where(sound, x, 0), -1e9, 1e9)).astype(np.int32)
        row = np.ceil(np.clip(np.where(sound, y, 0), -1e9, 1e9)).astype(np.int32)
    a, b, c = faces[:, 0], faces[:, 1], faces[:, 2]

    def spans(at: np.ndarray) -> np.ndarray:
        one, two, three = at[a], at[b], at[c]
        return (one != two) | (two != three)

    hit = spans(row) & spans(column)
    if not sound.all():
        hit |= ~(sound[a] & sound[b] & sound[c])
    return np.flatnonzero(hit)


def _clip_near(
    vertices: np.ndarray, faces: np.ndarray, near: float
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles in front of the near plane, (k, 3, 3), and the face each came from, (k,)."""
    finite = np.all(np.isfinite(vertices), axis=1)
    behind = np.logical_not(vertices[:, 2] >= near)
    index = np.flatnonzero(finite[faces].all(1) & ~behind[faces].all(1))
    outside = behind[faces[index]]
    crossing = outside.any(1)
    whole = index[~crossing]
    if not crossing.any():
        return vertices[faces[whole]], whole

    index, outside = index[crossing], outside[crossing]
    # Turn each crossing triangle (keeping its sense) until its odd corner out comes first.
    one_out = outside.sum(1) == 1
    first = np.where(one_out, outside.argmax(1), (~outside).argmax(1))
    turned = np.take_along_axis(faces[index], (first[:, None] + np.arange(3)) % 3, 1)
    a, b, c = (vertices[turned[:, i]] for i in range(3))

    def cut(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
        # Always from the inner corner, so that both faces of an edge are cut at one point.
        t = (near - inner[:, 2:]) / (outer[:, 2:] - inner[:, 2:])
        point = inner + t * (outer - inner)
        point[:, 2] = near
        return point

    o, i = one_out, ~one_out
    ab, ac = cut(b[o], a[o]), cut(c[o], a[o])  # a is out: the quad ab, b, c, ac is left
    pieces = [
        vertices[faces[whole]],
        np.stack([ab, b[o], c[o]], 1),
        np.stack([ab, c[o], ac], 1),
        np.stack([a[i], cut(a[i], b[i]), cut(a[i], c[i])], 1),  # only a is in
    ]
    sources = [whole, index[o], index[o], index[i]]
    return np.concatenate(pieces), np.concatenate(sources)


def _project(corners: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """(k, 3, 3) camera points to (x px, y px, 1/z), each triangle's corners sorted by y."""
    with np.errstate(over="ignore", invalid="ignore"):
        inverse_z = 1.0 / corners[..., 2]
        x = corners[..., 0] * inverse_z * intrinsics[0, 0] + intrinsics[0, 2]
        y = corners[..., 1] * inverse_z * intrinsics[1, 1] + intrinsics[1, 2]
    screen = np.stack([x, y, inverse_z], -1)
    order = np.argsort(y, axis=1, kind="stable")
    return np.take_along_axis(screen, order[..., None], 1)


def _triangle_rows(screen: np.ndarray, width: int, height: int):
    """Yields (triangle, first pixel, pixel count, 1/z at the first pixel, its step) per row.

    A row belongs to a triangle when its centre line crosses it, a pixel when its centre lies
    between the two edges there; both intervals are half-open, which shares edges out fairly.
    """
    with np.errstate(invalid="ignore"):
        top = np.ceil(np.clip(screen[:, 0, 1] - 0.5, 0, height))
        bottom = np.ceil(np.clip(screen[:, 2, 1] - 0.5, 0, height))
        seen = np.isfinite(screen).all((1, 2)) & (bottom > top)
        seen &= (screen[..., 0].max(1) > 0) & (screen[..., 0].min(1) < width)
    triangles = np.flatnonzero(seen)
    top = top[triangles].astype(np.int64)
    counts = bottom[triangles].astype(np.int64) - top
    ends = np.cumsum(counts)
    start = 0
    while start < len(triangles):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + ROWS_AT_ONCE, "right")))
        part = slice(start, stop)
        start = stop
        number = counts[part]
        which = np.repeat(np.arange(len(number)), number)
        row = np.arange(len(which)) - (np.cumsum(number) - number - top[part])[which]
        yield _spans(screen[triangles[part]], triangles[part], which, row, width)


def _spans(screen, triangles, which, row, width):
    """The pixel span of each (triangle, row)."""
    a, b, c = (screen[:, i] for i in range(3))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        long = (c - a)[:, [0, 2]] / (c - a)[:, 1:2]
        upper = (b - a)[:, [0, 2]] / (b - a)[:, 1:2]
        lower = (c - b)[:, [0, 2]] / (c - b)[:, 1:2]
    y = row + 0.5
    in_lower = y >= b[which, 1]
    from_a = (y - a[which, 1])[:, None]
    one = a[which][:, [0, 2]] + from_a * long[which]
    # Which short edge applies is decided before it is evaluated: a flat edge's slope is infinite.
    foot = np.where(in_lower[:, None], b[which], a[which])
    slope = np.where(in_lower[:, None], lower[which], upper[which])
    other = foot[:, [0, 2]] + (y - foot[:, 1])[:, None] * slope

    swap = one[:, 0] > other[:, 0]
    left = np.where(swap[:, None], other, one)
    right = np.where(swap[:, None], one, other)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        first = np.ceil(np.clip(left[:, 0] - 0.5, 0, width))
        count = np.ceil(np.clip(right[:, 0] - 0.5, 0, width)) - first
        step = (right[:, 1] - left[:, 1]) / (right[:, 0] - left[:, 0])
        begin = left[:, 1] + (first + 0.5 - left[:, 0]) * step
    keep = (count > 0) & np.isfinite(begin) & np.isfinite(step)
    first = first[keep].astype(np.int64) + row[keep] * width
    return triangles[which[keep]], first, count[keep].astype(np.int64), begin[keep], step[keep]


def _fill(buffer, source, triangle, first, count, begin, step, limit) -> None:
    """Lets the pixels of the rows race: the high half of the buffer is 1/z, the low half ~face."""
    tag = np.uint64(0xFFFFFFFF) - source[triangle].astype(np.uint64)
    ends = np.cumsum(count)
    start = 0
    while start < len(count):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + 4 * ROWS_AT_ONCE, "right")))
        part = slice(start, stop)
        start = stop
        number = count[part]
        span = np.repeat(np.arange(len(number), dtype=np.int32), number)
        along = np.arange(len(span)) - (np.cumsum(number) - number)[span]
        inverse_z = (begin[part][span] + along * step[part][span]).astype(np.float32)
        # The bits of positive floats are ordered like the floats.
        np.maximum(inverse_z, np.float32(1e-38), out=inverse_z)
        pixel = first[part][span] + along
        key = inverse_z.view(np.uint32).astype(np.uint64)
        key <<= np.uint64(32)
        key |= tag[part][span]
        if limit is not None:
            farther = inverse_z < limit[pixel]
            pixel, key = pixel[farther], key[farther]
        np.maximum.at(buffer, pixel, key)


def _resolve(
    buffer: np.ndarray, vertices: np.ndarray, faces: np.ndarray, intrinsics: np.ndarray
) -> Raster:
    """Depth and barycentrics of the winning faces."""
    height, width = buffer.shape
    hit = buffer > 0
    rows, columns = np.nonzero(hit)
    won = buffer[hit]
    index = (np.uint64(0xFFFFFFFF) - (won & np.uint64(0xFFFFFFFF))).astype(np.int64)
    approximate = 1.0 / (won >> np.uint64(32)).astype(np.uint32).view(np.float32)

    x = (columns + 0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (rows + 0.5 - intrinsics[1, 2]) / intrinsics[1, 1]
    used, inverse = np.unique(index, return_inverse=True)
    a, b, c = (vertices[faces[used, i]] for i in range(3))
    # The ray's weight of a corner is its signed distance from the plane through the camera
    # and the opposite edge; relative to the triangle's determinant it is the barycentric.
    planes = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], 1)[inverse.reshape(-1)]
    weight = planes[..., 0] * x[:, None] + planes[..., 1] * y[:, None] + planes[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = weight / weight.sum(1, keepdims=True)
        weight = np.clip(weight, 0, 1)
        weight /= weight.sum(1, keepdims=True)
    # Faces seen exactly edge-on have no inside; any corner is as good.
    weight = np.where(np.isfinite(weight).all(1, keepdims=True), weight, 1 / 3)
    corner_z = np.stack([a[:, 2], b[:, 2], c[:, 2]], 1)[inverse.reshape(-1)]
    z = (weight * corner_z).sum(1)
    # Where rounding of such slivers disagrees with the race, the race's depth is the sound one.
    z = np.where(np.abs(z - approximate) <= 1e-3 * approximate, z, approximate)

    depth = np.full((height, width), np.nan, np.float32)
    face = np.full((height, width), -1, np.int64)
    bary = np.zeros((height, width, 3))
    depth[hit], face[hit], bary[hit] = z, index, weight
    return Raster(depth, face, bary)
