// What a person changes about the objects, as the node's widget `edits` holds it: one JSON text in
// pixels of the photo that was drawn on. The engine reads the same (cast_nodes/detect/object_edits.py).

export type Point = [x: number, y: number];
export type Box = [left: number, top: number, right: number, bottom: number];
export type Click = [x: number, y: number, sign: 1 | -1];

/** A line drawn with a round brush; `adds` paints the object, otherwise it wipes it away. */
export interface Stroke {
  adds: boolean;
  radius: number;
  path: Point[];
}

export interface ObjectEdit {
  label?: string;
  keep?: boolean;
  box?: Box;
  points?: Click[];
  strokes?: Stroke[];
}

export interface Edits {
  /** Width and height of the photo that was drawn on; null before anything was drawn. */
  photo: [number, number] | null;
  objects: ReadonlyMap<number, ObjectEdit>;
}

export const NO_EDITS: Edits = { photo: null, objects: new Map() };

/** Ids of objects made by hand begin here, so that they never meet those that are found later. */
export const BY_HAND_FROM = 100;

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const areNumbers = (value: unknown, count: number): value is number[] =>
  Array.isArray(value) && value.length === count && value.every(isNumber);

function readStroke(value: unknown): Stroke | null {
  if (typeof value !== "object" || value === null) return null;
  const { add, erase, path } = value as { add?: unknown; erase?: unknown; path?: unknown };
  const radius = isNumber(add) ? add : erase;
  if (!isNumber(radius) || !Array.isArray(path)) return null;
  const points = path.filter((p): p is Point => areNumbers(p, 2));
  return points.length ? { adds: isNumber(add), radius, path: points } : null;
}

function readEdit(value: unknown): ObjectEdit | null {
  if (typeof value !== "object" || value === null) return null;
  const { label, keep, box, points, brush } = value as Record<string, unknown>;
  const edit: ObjectEdit = {};
  if (typeof label === "string" && label) edit.label = label;
  if (typeof keep === "boolean") edit.keep = keep;
  if (areNumbers(box, 4)) edit.box = box as Box;
  if (Array.isArray(points)) {
    const clicks = points.filter((p): p is Click => areNumbers(p, 3) && Math.abs(p[2] ?? 0) === 1);
    if (clicks.length) edit.points = clicks;
  }
  if (Array.isArray(brush)) {
    const strokes = brush.map(readStroke).filter((s): s is Stroke => s !== null);
    if (strokes.length) edit.strokes = strokes;
  }
  return edit;
}

/**
 * The edits that a text tells. Null when it is no text of edits at all: then the picker leaves it
 * alone, and the node says what is wrong with it.
 */
export function readEdits(text: unknown): Edits | null {
  if (typeof text !== "string" || !text.trim()) return NO_EDITS;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { photo, objects } = value as { photo?: unknown; objects?: unknown };
  const found = new Map<number, ObjectEdit>();
  if (typeof objects === "object" && objects !== null)
    for (const [name, entry] of Object.entries(objects)) {
      const edit = /^\d{1,6}$/.test(name) ? readEdit(entry) : null;
      if (edit) found.set(Number(name), edit);
    }
  return { photo: areNumbers(photo, 2) ? [photo[0]!, photo[1]!] : null, objects: found };
}

/** A tenth of a pixel is finer than anyone draws. */
const round = (value: number) => Math.round(value * 10) / 10;

/** One object's edit as the text has it. */
export function editJson(edit: ObjectEdit): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (edit.label) out.label = edit.label;
  if (edit.keep !== undefined) out.keep = edit.keep;
  if (edit.box) out.box = edit.box.map(round);
  if (edit.points?.length) out.points = edit.points.map(([x, y, sign]) => [round(x), round(y), sign]);
  if (edit.strokes?.length)
    out.brush = edit.strokes.map(({ adds, radius, path }) => ({
      [adds ? "add" : "erase"]: round(radius),
      path: path.map((p) => p.map(round)),
    }));
  return out;
}

/** True when the edit says nothing. */
export const isEmpty = (edit: ObjectEdit): boolean => Object.keys(editJson(edit)).length === 0;

/** The text, "" when nothing is edited. */
export function writeEdits({ photo, objects }: Edits): string {
  const entries = [...objects].filter(([, edit]) => !isEmpty(edit)).sort(([a], [b]) => a - b);
  if (!entries.length) return "";
  const written = Object.fromEntries(entries.map(([id, edit]) => [String(id), editJson(edit)]));
  return JSON.stringify(photo ? { photo, objects: written } : { objects: written });
}

/** Fewer points on the same line: Ramer 1972, Douglas and Peucker 1973. */
export function simplified(path: readonly Point[], tolerance: number): Point[] {
  if (path.length < 3) return [...path];
  const keep = new Set([0, path.length - 1]);
  const open: [number, number][] = [[0, path.length - 1]];
  for (let span = open.pop(); span; span = open.pop()) {
    const [first, last] = span;
    const [a, b] = [path[first]!, path[last]!];
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const length = dx * dx + dy * dy;
    let [farthest, distance] = [-1, tolerance];
    for (let i = first + 1; i < last; i++) {
      const [x, y] = [path[i]![0] - a[0], path[i]![1] - a[1]];
      const along = length ? Math.min(1, Math.max(0, (x * dx + y * dy) / length)) : 0;
      const apart = Math.hypot(x - along * dx, y - along * dy);
      if (apart > distance) [farthest, distance] = [i, apart];
    }
    if (farthest > 0) {
      keep.add(farthest);
      open.push([first, farthest], [farthest, last]);
    }
  }
  return path.filter((_, i) => keep.has(i));
}
