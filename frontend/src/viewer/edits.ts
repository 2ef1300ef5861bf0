// The user's edits as the text of the node's widget: {"3": {"position": [x, y, z],
// "rotation_deg": [x, y, z], "scale": 1.2, "on": 1}, "5": {"locked": true}}. Poses are those of
// the object's frame in the world, angles Euler's about the turning x, y, z. Keys that the viewer
// does not know stay as they are.

export interface Pose {
  position: [number, number, number];
  rotation_deg: [number, number, number];
  scale: number;
}

export type Entry = Partial<Pose> & { locked?: boolean; [more: string]: unknown };
export type Edits = Record<string, Entry>;

/** Edits out of their text; null when it is no such JSON. An empty text holds none. */
export function parseEdits(text: string): Edits | null {
  if (!text.trim()) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const entries = isRecord(value) ? Object.entries(value) : [];
  if (!isRecord(value) || entries.some(([id, entry]) => !/^\d+$/.test(id.trim()) || !isRecord(entry))) return null;
  return Object.fromEntries(entries.map(([id, entry]) => [String(Number(id)), entry as Entry]));
}

/** One object a line; "" for none. */
export function editsText(edits: Edits): string {
  const lines = Object.entries(edits)
    .filter(([, entry]) => Object.keys(entry).length > 0)
    .map(([id, entry]) => `${JSON.stringify(id)}: ${compact(entry)}`);
  return lines.length ? `{${lines.join(",\n ")}}` : "";
}

function compact(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(compact).join(", ")}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, v]) => `${JSON.stringify(key)}: ${compact(v)}`);
  return `{${entries.join(", ")}}`;
}

/** The edits with this object's pose set. */
export function withPose(edits: Edits, id: number, pose: Pose): Edits {
  return { ...edits, [id]: { ...edits[id], ...rounded(pose) } };
}

/** The edits without what was set of this object's pose. */
export function withoutPose(edits: Edits, id: number): Edits {
  const { position: _p, rotation_deg: _r, scale: _s, locked, ...rest } = edits[id] ?? {};
  // A lock that says "no" was only about the pose.
  return replaced(edits, id, locked === true ? { ...rest, locked } : rest);
}

/** The edits with this object locked or not. */
export function withLock(edits: Edits, id: number, locked: boolean): Edits {
  const { locked: _, ...rest } = edits[id] ?? {};
  const byItself = poseOf(rest) !== null; // a pose is locked unless it says otherwise
  if (locked) return replaced(edits, id, byItself ? rest : { ...rest, locked });
  return replaced(edits, id, byItself ? { ...rest, locked } : rest);
}

/** Whether the edits lock this object. */
export function isLocked(edits: Edits, id: number): boolean {
  const entry = edits[id];
  return entry !== undefined && (entry.locked ?? poseOf(entry) !== null);
}

/** What an entry sets of the pose, or null. */
export function poseOf(entry: Entry | undefined): Partial<Pose> | null {
  if (!entry) return null;
  const pose: Partial<Pose> = {};
  if (isTriple(entry.position)) pose.position = entry.position;
  if (isTriple(entry.rotation_deg)) pose.rotation_deg = entry.rotation_deg;
  if (typeof entry.scale === "number" && entry.scale > 0) pose.scale = entry.scale;
  return Object.keys(pose).length ? pose : null;
}

function replaced(edits: Edits, id: number, entry: Entry): Edits {
  const { [id]: _, ...others } = edits;
  return Object.keys(entry).length ? { ...edits, [id]: entry } : others;
}

/** Short enough to be read, finer than can be seen: 10 micrometres, a thousandth of a degree. */
function rounded(pose: Pose): Pose {
  const round = (value: number, digits: number) => Number(value.toFixed(digits)) + 0;
  return {
    position: pose.position.map((v) => round(v, 5)) as Pose["position"],
    rotation_deg: pose.rotation_deg.map((v) => round(v, 3)) as Pose["rotation_deg"],
    scale: Number(pose.scale.toPrecision(6)),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every((v) => Number.isFinite(v));
}
