// Where the photo lies on the canvas: scale and offset in CSS pixels of the canvas.

import type { Box, Point } from "./edits.ts";
import type { Size } from "./state.ts";

export interface View {
  scale: number;
  x: number;
  y: number;
}

const MARGIN = 6;
const MOST = 24;

/** The whole photo in the middle of the canvas. */
export function fit([width, height]: Size, [across, down]: Size): View {
  const scale = Math.max(1e-3, Math.min((across - 2 * MARGIN) / width, (down - 2 * MARGIN) / height));
  return { scale, x: (across - scale * width) / 2, y: (down - scale * height) / 2 };
}

export const toPhoto = (view: View, [x, y]: Point): Point => [(x - view.x) / view.scale, (y - view.y) / view.scale];
export const toCanvas = (view: View, [x, y]: Point): Point => [x * view.scale + view.x, y * view.scale + view.y];

/** Zoomed by a factor about a point of the canvas, no further out than half of the whole photo. */
export function zoomed(view: View, factor: number, about: Point, photo: Size, canvas: Size): View {
  const least = fit(photo, canvas).scale / 2;
  const scale = Math.min(MOST, Math.max(least, view.scale * factor));
  const [x, y] = toPhoto(view, about);
  return kept({ scale, x: about[0] - x * scale, y: about[1] - y * scale }, photo, canvas);
}

export function panned(view: View, [dx, dy]: Point, photo: Size, canvas: Size): View {
  return kept({ ...view, x: view.x + dx, y: view.y + dy }, photo, canvas);
}

/** The view moved so that a part of the photo stays in sight. */
function kept(view: View, photo: Size, canvas: Size): View {
  const inside = (at: number, length: number, room: number) =>
    Math.min(room - 24, Math.max(24 - length * view.scale, at));
  return { ...view, x: inside(view.x, photo[0], canvas[0]), y: inside(view.y, photo[1], canvas[1]) };
}

/** True inside the polygons, by the even-odd rule. */
export function inside(outlines: readonly (readonly number[])[], [px, py]: Point): boolean {
  let odd = false;
  for (const line of outlines)
    for (let i = 0, j = line.length - 2; i < line.length; j = i, i += 2) {
      const [x0, y0, x1, y1] = [line[i]!, line[i + 1]!, line[j]!, line[j + 1]!];
      if (y0 > py !== y1 > py && px < ((x1 - x0) * (py - y0)) / (y1 - y0) + x0) odd = !odd;
    }
  return odd;
}

export const inBox = (box: Box | null, [x, y]: Point): boolean =>
  box !== null && x >= box[0] && y >= box[1] && x <= box[2] && y <= box[3];

/** A colour by id, as the engine's pictures have it (report/pictures.py). */
export function objectColour(id: number): string {
  const hue = (0.02 + id * 0.6180339887498949) % 1;
  const light = [50, 60, 42][Math.floor(id / 5) % 3];
  return `hsl(${(hue * 360).toFixed(1)} 85% ${light}%)`;
}
