// The point cloud as the server sends it (cast_nodes/report/viewer.py, points_bytes): "CASTPTS1",
// uint32 count, 3 float32 corner, 3 float32 step, count x 3 uint16 positions, count x 3 uint8 sRGB.

const MAGIC = "CASTPTS1";
const HEAD_BYTES = 36;

export interface PointCloud {
  count: number;
  /** position = corner + step * value. */
  corner: [number, number, number];
  step: [number, number, number];
  values: Uint16Array;
  colours: Uint8Array;
}

/** Reads the file; throws an Error when it is not such a file or not whole. */
export function readPoints(bytes: ArrayBuffer): PointCloud {
  const view = new DataView(bytes);
  const magic = bytes.byteLength >= HEAD_BYTES ? new TextDecoder().decode(new Uint8Array(bytes, 0, 8)) : "";
  if (magic !== MAGIC) throw new Error("this is no point cloud");
  const count = view.getUint32(8, true);
  if (bytes.byteLength !== HEAD_BYTES + 9 * count) throw new Error("the point cloud is not whole");
  const triple = (at: number) => [0, 4, 8].map((o) => view.getFloat32(at + o, true)) as [number, number, number];
  return {
    count,
    corner: triple(12),
    step: triple(24),
    values: new Uint16Array(bytes, HEAD_BYTES, 3 * count),
    colours: new Uint8Array(bytes, HEAD_BYTES + 6 * count, 3 * count),
  };
}
