// The photo's camera as the matrices of a WebGL camera (x right, y up, looking along -z).

/** A rectangle in pixels of the drawing area, y down. */
export interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What part of the photo is looked at: how much enlarged, and the photo's point in the middle. */
export interface PhotoZoom {
  zoom: number;
  /** 0..1 across and down the photo. */
  u: number;
  v: number;
}

export const WHOLE_PHOTO: PhotoZoom = { zoom: 1, u: 0.5, v: 0.5 };
const MOST_ZOOM = 40;

/** Where the photo lies in a drawing area of this size: whole and centred at zoom 1. */
export function photoFrame(width: number, height: number, aspect: number, at: PhotoZoom): Frame {
  const fitting = Math.min(width, height * aspect) * at.zoom;
  const size = { width: fitting, height: fitting / aspect };
  return { x: width / 2 - at.u * size.width, y: height / 2 - at.v * size.height, ...size };
}

/** The zoom after turning the wheel over a point of the area, which stays where it is. */
export function zoomedAt(
  at: PhotoZoom,
  factor: number,
  point: { x: number; y: number },
  area: { width: number; height: number },
  aspect: number,
): PhotoZoom {
  const zoom = Math.min(Math.max(at.zoom * factor, 1), MOST_ZOOM);
  if (zoom === 1) return WHOLE_PHOTO;
  const before = photoFrame(area.width, area.height, aspect, at);
  const held = { u: (point.x - before.x) / before.width, v: (point.y - before.y) / before.height };
  const after = photoFrame(area.width, area.height, aspect, { ...at, zoom });
  return inside({
    zoom,
    u: held.u - (point.x - area.width / 2) / after.width,
    v: held.v - (point.y - area.height / 2) / after.height,
  });
}

/** The zoom after the photo was pushed by some pixels. */
export function pushed(
  at: PhotoZoom,
  by: { x: number; y: number },
  area: { width: number; height: number },
  aspect: number,
): PhotoZoom {
  const frame = photoFrame(area.width, area.height, aspect, at);
  if (at.zoom === 1) return at;
  return inside({ zoom: at.zoom, u: at.u - by.x / frame.width, v: at.v - by.y / frame.height });
}

const inside = (at: PhotoZoom): PhotoZoom => ({
  zoom: at.zoom,
  u: Math.min(Math.max(at.u, 0), 1),
  v: Math.min(Math.max(at.v, 0), 1),
});

/**
 * The projection of a pinhole camera, 16 numbers column by column as WebGL has them.
 *
 * What the photo's pixel (u, v) shows comes to lie in `frame` at the same share of its width and
 * height; the area around the frame shows what the photo does not. The principal point may lie
 * anywhere, and pixels need not be square.
 *
 * @param intrinsics 3x3 in pixels of the photo.
 * @param frame where the photo lies in the drawing area of `area` pixels.
 */
export function projection(
  intrinsics: number[][],
  photo: { width: number; height: number },
  frame: Frame,
  area: { width: number; height: number },
  near: number,
  far: number,
): number[] {
  const k = (row: number, column: number) => intrinsics[row]![column]!;
  // Normalised device coordinates of the photo alone: -1..1, y up.
  const x = [(2 * k(0, 0)) / photo.width, (-2 * k(0, 1)) / photo.width, 1 - (2 * k(0, 2)) / photo.width];
  const y = [0, (2 * k(1, 1)) / photo.height, (2 * k(1, 2)) / photo.height - 1];
  // Those of the area: the photo's, made smaller and moved; the third row divides by -z.
  const scale = [frame.width / area.width, frame.height / area.height];
  const shift = [
    (2 * frame.x + frame.width) / area.width - 1,
    1 - (2 * frame.y + frame.height) / area.height,
  ];
  const row0 = [scale[0]! * x[0]!, scale[0]! * x[1]!, scale[0]! * x[2]! - shift[0]!];
  const row1 = [0, scale[1]! * y[1]!, scale[1]! * y[2]! - shift[1]!];
  const depth = [-(far + near) / (far - near), (-2 * far * near) / (far - near)];
  return [
    row0[0]!, row1[0]!, 0, 0,
    row0[1]!, row1[1]!, 0, 0,
    row0[2]!, row1[2]!, depth[0]!, -1,
    0, 0, depth[1]!, 0,
  ];
}

/** World from WebGL camera, 16 numbers column by column, of a 4x4 OpenCV camera pose. */
export function cameraPose(worldFromCamera: number[][]): number[] {
  const made: number[] = [];
  for (let column = 0; column < 4; column++) {
    const sign = column === 1 || column === 2 ? -1 : 1;
    for (let row = 0; row < 4; row++) made.push(sign * worldFromCamera[row]![column]!);
  }
  return made;
}

/** The angle of view from top to bottom, degrees. */
export function fieldOfView(intrinsics: number[][], height: number): number {
  return (2 * Math.atan(height / (2 * intrinsics[1]![1]!)) * 180) / Math.PI;
}

/** The photo's corners on the plane one unit before the camera, in WebGL's camera frame. */
export function cornerRays(about: {
  intrinsics: number[][];
  width: number;
  height: number;
}): [number, number, number][] {
  const [fx, cx] = [about.intrinsics[0]![0]!, about.intrinsics[0]![2]!];
  const [fy, cy] = [about.intrinsics[1]![1]!, about.intrinsics[1]![2]!];
  return [
    [0, 0],
    [about.width, 0],
    [about.width, about.height],
    [0, about.height],
  ].map(([u, v]) => [(u! - cx) / fx, -(v! - cy) / fy, -1]);
}
