// The picker's state and what changes it: pure, with undo.

import {
  BY_HAND_FROM, type Box, type Click, editJson, type Edits, isEmpty, NO_EDITS, type ObjectEdit, type Stroke,
} from "./edits.ts";

/** One object of the last run, in pixels of the photo that was worked on. */
export interface Found {
  id: number;
  label: string;
  /** It came from Detect, not from the picker. */
  found: boolean;
  keep: boolean;
  reason: string;
  box: Box;
  outlines: number[][];
}

/** An object as the list shows it: what the last run says, and what was edited since. */
export interface Row {
  id: number;
  label: string;
  keep: boolean;
  reason: string;
  box: Box | null;
  outlines: number[][];
  byHand: boolean;
  edit: ObjectEdit;
  /** It was edited since the last run. */
  pending: boolean;
}

export interface Picked {
  edits: Edits;
  selected: number | null;
  past: readonly Edits[];
  future: readonly Edits[];
  /** What the last change was, so that a run of small ones is undone as one. */
  last: string;
}

export const NOTHING: Picked = { edits: NO_EDITS, selected: null, past: [], future: [], last: "" };
const MOST_STEPS = 200;

export type Size = [width: number, height: number];

export type Action =
  | { do: "load"; edits: Edits }
  | { do: "select"; id: number | null }
  | { do: "rename"; id: number; label: string; was: string }
  | { do: "keep"; id: number; keep: boolean; found: boolean }
  | { do: "box"; id: number | null; box: Box; photo: Size; known: readonly number[] }
  | { do: "point"; id: number | null; point: Click; photo: Size; known: readonly number[] }
  | { do: "unpoint"; id: number; index: number }
  | { do: "stroke"; id: number | null; stroke: Stroke; photo: Size; known: readonly number[] }
  | { do: "reset"; id: number }
  | { do: "clear" }
  | { do: "undo" }
  | { do: "redo" };

/** A box with its corners in order, inside the photo; null when nothing is left of it. */
export function fittedBox([a, b, c, d]: Box, [width, height]: Size): Box | null {
  const box: Box = [
    Math.max(0, Math.min(a, c)), Math.max(0, Math.min(b, d)),
    Math.min(width, Math.max(a, c)), Math.min(height, Math.max(b, d)),
  ];
  return box[2] - box[0] >= 2 && box[3] - box[1] >= 2 ? box : null;
}

/** A box moved, or made larger by its lower right corner, without leaving the photo. */
export function movedBox(box: Box, [dx, dy]: [number, number], [width, height]: Size, resize = false): Box {
  if (resize)
    return [
      box[0], box[1],
      Math.min(width, Math.max(box[0] + 2, box[2] + dx)),
      Math.min(height, Math.max(box[1] + 2, box[3] + dy)),
    ];
  const x = Math.min(width - box[2], Math.max(-box[0], dx));
  const y = Math.min(height - box[3], Math.max(-box[1], dy));
  return [box[0] + x, box[1] + y, box[2] + x, box[3] + y];
}

/** The smallest free id of those for objects made by hand. */
export function freeId(known: Iterable<number>, edits: Edits): number {
  const taken = new Set([...known, ...edits.objects.keys()]);
  let id = BY_HAND_FROM;
  while (taken.has(id)) id++;
  return id;
}

function withEdit(state: Picked, id: number, edit: ObjectEdit, photo: Size | null, what: string): Picked {
  const objects = new Map(state.edits.objects);
  if (isEmpty(edit)) objects.delete(id);
  else objects.set(id, edit);
  const edits: Edits = { photo: state.edits.photo ?? photo, objects };
  const joined = what !== "" && what === state.last;
  const past = joined ? state.past : [...state.past, state.edits].slice(-MOST_STEPS);
  return { edits, selected: id, past, future: [], last: what };
}

const editOf = (state: Picked, id: number): ObjectEdit => state.edits.objects.get(id) ?? {};

function drawn(
  state: Picked, id: number | null, known: readonly number[], photo: Size, change: (edit: ObjectEdit) => ObjectEdit,
  what = "",
): Picked {
  const target = id ?? freeId(known, state.edits);
  const edit = change(editOf(state, target));
  // Drawing on what was deleted means that it is wanted after all.
  if (edit.keep === false) delete edit.keep;
  return withEdit(state, target, edit, photo, what);
}

function travel(state: Picked, edits: Edits, past: readonly Edits[], future: readonly Edits[]): Picked {
  return { ...state, edits, past, future, last: "" };
}

/** The state after an action; the same object when nothing changes. */
export function picked(state: Picked, action: Action): Picked {
  switch (action.do) {
    case "load":
      return { ...NOTHING, edits: action.edits };
    case "select":
      return state.selected === action.id ? state : { ...state, selected: action.id, last: "" };
    case "rename": {
      const edit = { ...editOf(state, action.id) };
      const label = action.label.trim();
      if (label && label !== action.was) edit.label = label;
      else delete edit.label;
      if (edit.label === editOf(state, action.id).label) return state;
      return withEdit(state, action.id, edit, null, "");
    }
    case "keep": {
      if (action.keep || action.found) {
        const edit: ObjectEdit = { ...editOf(state, action.id), keep: action.keep };
        return withEdit(state, action.id, edit, null, "");
      }
      return { ...withEdit(state, action.id, {}, null, ""), selected: null }; // made by hand: gone
    }
    case "box": {
      const box = fittedBox(action.box, action.photo);
      if (!box) return state;
      const what = action.id === null ? "" : `box ${action.id}`;
      const change = (edit: ObjectEdit) => ({ ...edit, box });
      return drawn(state, action.id, action.known, action.photo, change, what);
    }
    case "point":
      return drawn(state, action.id, action.known, action.photo, (edit) => ({
        ...edit, points: [...(edit.points ?? []), action.point],
      }));
    case "unpoint": {
      const edit = editOf(state, action.id);
      const points = (edit.points ?? []).filter((_, i) => i !== action.index);
      return withEdit(state, action.id, { ...edit, points }, null, "");
    }
    case "stroke":
      return drawn(state, action.id, action.known, action.photo, (edit) => ({
        ...edit, strokes: [...(edit.strokes ?? []), action.stroke],
      }));
    case "reset":
      return state.edits.objects.has(action.id) ? withEdit(state, action.id, {}, null, "") : state;
    case "clear":
      if (!state.edits.objects.size) return state;
      return { edits: NO_EDITS, selected: null, past: [...state.past, state.edits].slice(-MOST_STEPS), future: [], last: "" };
    case "undo": {
      const before = state.past.at(-1);
      return before ? travel(state, before, state.past.slice(0, -1), [state.edits, ...state.future]) : state;
    }
    case "redo": {
      const [after, ...rest] = state.future;
      return after ? travel(state, after, [...state.past, state.edits], rest) : state;
    }
  }
}

/** What the list shows: the last run's objects in its order, then those drawn since. */
export function rows(run: readonly Found[], edits: Edits, shown: Edits): Row[] {
  const out = run
    .filter((item) => item.found || edits.objects.has(item.id))
    .map((item): Row => {
      const edit = edits.objects.get(item.id) ?? {};
      const pending = differ(edit, shown.objects.get(item.id));
      // What the last run said of it holds until it is edited.
      const keep = pending ? (edit.keep ?? (item.keep || hasShape(edit))) : item.keep;
      return {
        id: item.id, label: edit.label ?? item.label, keep, reason: keep ? "" : item.reason, box: item.box,
        outlines: item.outlines, byHand: !item.found, edit, pending,
      };
    });
  const known = new Set(run.map((item) => item.id));
  for (const [id, edit] of edits.objects)
    if (!known.has(id))
      out.push({
        id, label: edit.label ?? "object", keep: edit.keep ?? true, reason: "", box: edit.box ?? null, outlines: [],
        byHand: true, edit, pending: differ(edit, shown.objects.get(id)),
      });
  return out;
}

const hasShape = (edit: ObjectEdit) => Boolean(edit.box || edit.points || edit.strokes);
/** Compared as the text has them, which rounds: what a run tells of an edit has been a text. */
const differ = (a: ObjectEdit = {}, b: ObjectEdit = {}) =>
  JSON.stringify(editJson(a)) !== JSON.stringify(editJson(b));
