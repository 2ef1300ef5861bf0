// The outlines of objects, once as the photo's masks have them and once as the scene shows them.

import type { Frame } from "./photo_camera.ts";

/** Which object each pixel shows: 0 for none, otherwise 1 + its index; rows from the top. */
export interface IdMap {
  width: number;
  height: number;
  ids: Uint8Array | Uint16Array;
}

/** The map as it lies in a drawing area: outside the frame there is nothing. */
export function inFrame(map: IdMap, frame: Frame, width: number, height: number): IdMap {
  const ids = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5 - frame.y) / frame.height) * map.height);
    if (row < 0 || row >= map.height) continue;
    for (let x = 0; x < width; x++) {
      const column = Math.floor(((x + 0.5 - frame.x) / frame.width) * map.width);
      if (column >= 0 && column < map.width) ids[y * width + x] = map.ids[row * map.width + column]!;
    }
  }
  return { width, height, ids };
}

/**
 * Paints the lines between different objects into RGBA pixels of the map's size: every pixel of an
 * object that has a neighbour within `thickness` that is not of it.
 */
export function paintOutlines(
  map: IdMap,
  colour: readonly [number, number, number],
  pixels: Uint8ClampedArray,
  thickness = 1,
): void {
  const { width, height, ids } = map;
  const other = (id: number, x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && ids[y * width + x] !== id;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const id = ids[y * width + x]!;
      if (id === 0) continue;
      let edge = false;
      for (let d = 1; d <= thickness && !edge; d++)
        edge = other(id, x - d, y) || other(id, x + d, y) || other(id, x, y - d) || other(id, x, y + d);
      if (edge) pixels.set([...colour, 255], 4 * (y * width + x));
    }
  }
}
