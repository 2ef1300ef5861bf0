// What the strip knows and what it writes: rows from the server, and the texts of the widgets
// `retry`, `locked` and `edits` of the nodes before it. All pure.

/** The stages that a row can have made anew. */
export type Part = "view" | "mesh" | "pose";
export const PARTS: readonly Part[] = ["view", "mesh", "pose"];

export type Tile = "crop" | "view" | "mesh" | "fit";
/** The tiles of a row's picture, from left to right. */
export const TILES: readonly Tile[] = ["crop", "view", "mesh", "fit"];
export const PART_OF: Record<Tile, Part | null> = { crop: null, view: "view", mesh: "mesh", fit: "pose" };

export interface Pose {
  position: number[];
  rotation_deg: number[];
  scale: number;
}

/** One object, as nodes/review.py tells it. */
export interface Row {
  id: number;
  label: string;
  occlusion: number;
  /** Changes whenever something of the object does. */
  made: string;
  picture: { filename: string; subfolder: string; type: string };
  tiles: Tile[];
  mesh: string;
  candidates: number;
  iou: number | null;
  grade: string;
  /** How far it is from the measured depth, share of its size, where that lowers the grade. */
  depth_off?: number | null;
  ambiguous: boolean;
  failures: Partial<Record<Part, string>>;
  /** Keys under which the store keeps what is seen. */
  locks: Partial<Record<"view" | "mesh", string>>;
  /** Where it stands in the scene; null while there is none. */
  pose: Pose | null;
}

export interface Strip {
  photo: string;
  rows: Row[];
  dropped: { id: number; label: string; reason: string }[];
}

/** The strip in a node's output, or null when it holds none. */
export function stripOf(output: Record<string, unknown> | undefined): Strip | null {
  const found = (output?.cast_strip as Strip[] | undefined)?.[0];
  return found && Array.isArray(found.rows) ? found : null;
}

// The text of `retry`: "2, 5:3" is object 2 once and object 5 three times made anew.

export function readRetries(text: unknown): Map<number, number> {
  const counters = new Map<number, number>();
  for (const part of String(text ?? "").split(/[,;\n]/)) {
    const found = /^\s*(\d+)\s*(?::\s*(\d+))?\s*$/.exec(part);
    if (found) counters.set(Number(found[1]), Number(found[2] ?? 1));
  }
  return counters;
}

/** The text with one object's counter changed; 0 takes the object out. Others stay. */
export function withRetry(text: unknown, id: number, counter: number): string {
  const counters = readRetries(text);
  if (counter > 0) counters.set(id, counter);
  else counters.delete(id);
  return [...counters].map(([object, n]) => `${object}:${n}`).join(", ");
}

// The text of `locked`: "3:<64 hexadecimal digits>, …".

export function readLocks(text: unknown): Map<number, string> {
  const keys = new Map<number, string>();
  for (const part of String(text ?? "").split(/[,;\n]/)) {
    const found = /^\s*(\d+)\s*:\s*([0-9a-f]{64})\s*$/.exec(part);
    if (found) keys.set(Number(found[1]), found[2]!);
  }
  return keys;
}

/** The text with one object locked to a key, or unlocked (null). */
export function withLock(text: unknown, id: number, key: string | null): string {
  const keys = readLocks(text);
  if (key) keys.set(id, key);
  else keys.delete(id);
  return [...keys].map(([object, k]) => `${object}:${k}`).join(", ");
}

// The text of `edits` of Compose Scene: JSON by object (cast_nodes/compose/edits.py).

type Edit = Record<string, unknown>;

/** The edits, or null where the text is no JSON object: it is the user's then, and left alone. */
export function readEdits(text: unknown): Record<string, Edit> | null {
  const plain = String(text ?? "").trim();
  if (!plain) return {};
  try {
    const value: unknown = JSON.parse(plain);
    return value && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, Edit>) : null;
  } catch {
    return null;
  }
}

const POSE = ["position", "rotation_deg", "scale"];

/** The object's pose is held by the edits: by a pose of its own, or by a lock. */
export function poseLocked(text: unknown, id: number): boolean {
  const edit = readEdits(text)?.[id];
  if (!edit || edit.locked === false) return false;
  return edit.locked === true || POSE.some((name) => edit[name] !== undefined);
}

/** The object's pose was set by hand, so unlocking must not throw it away. */
export function posedByHand(text: unknown, id: number): boolean {
  const edit = readEdits(text)?.[id];
  return POSE.some((name) => edit?.[name] !== undefined);
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits));

/**
 * The text with the object held where it stands; what else is set of it stays. A pose by hand stays
 * what it is: it may be newer than the scene.
 */
export function withPoseLocked(text: unknown, id: number, pose: Pose): string {
  const edits = readEdits(text) ?? {};
  if (posedByHand(text, id)) return written({ ...edits, [id]: { ...edits[id], locked: true } });
  edits[id] = {
    ...edits[id],
    position: pose.position.map((v) => rounded(v, 5)),
    rotation_deg: pose.rotation_deg.map((v) => rounded(v, 4)),
    scale: Number(pose.scale.toPrecision(7)),
    locked: true,
  };
  return written(edits);
}

/** The text with the object free again. `keepPose`: it was posed by hand before it was locked. */
export function withPoseUnlocked(text: unknown, id: number, keepPose: boolean): string {
  const edits = readEdits(text) ?? {};
  const { locked: _, ...rest } = edits[id] ?? {};
  if (!keepPose) for (const name of POSE) delete rest[name];
  if (Object.keys(rest).length) edits[id] = rest;
  else delete edits[id];
  return written(edits);
}

function written(edits: Record<string, Edit>): string {
  return Object.keys(edits).length ? JSON.stringify(edits) : "";
}

// What the user has said of the rows; it lies in the node's properties and so in the workflow.

export interface Review {
  /** What was accepted, by object: the `made` of the row at that time. */
  accepted: Record<string, string>;
  /** Objects that had a pose by hand when they were locked. */
  posedByHand: number[];
}

/** The review as the workflow holds it, whatever that is. */
export function reviewOf(saved: unknown): Review {
  const given = (saved && typeof saved === "object" ? saved : {}) as Partial<Review>;
  const accepted: Record<string, string> = {};
  for (const [id, made] of Object.entries(given.accepted ?? {})) {
    if (/^\d+$/.test(id) && typeof made === "string") accepted[id] = made;
  }
  const posed = Array.isArray(given.posedByHand) ? given.posedByHand.filter(Number.isInteger) : [];
  return { accepted, posedByHand: posed };
}

export type Acceptance = "yes" | "changed" | "no";

/** Accepted as it is, accepted in another shape, or not. */
export function acceptance(review: Review, row: Row): Acceptance {
  const made = review.accepted[row.id];
  return made === undefined ? "no" : made === row.made ? "yes" : "changed";
}

export function accepted(review: Review, row: Row, yes: boolean): Review {
  const { [String(row.id)]: _, ...others } = review.accepted;
  return { ...review, accepted: yes ? { ...others, [row.id]: row.made } : others };
}
