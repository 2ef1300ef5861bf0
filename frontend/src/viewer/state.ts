// What is looked at and how; the panel shows it, the viewer draws it.

import type { Layer } from "./scene_model.ts";

export type View = "photo" | "orbit";
export type Compare = "off" | "wipe" | "blink" | "difference" | "outline";
export type Tool = "move" | "turn" | "size";

export const COMPARES: readonly Compare[] = ["off", "wipe", "blink", "difference", "outline"];
export const LAYERS: readonly Layer[] = ["floor", "room", "camera", "points"];
export const TOOLS: readonly Tool[] = ["move", "turn", "size"];

export interface State {
  view: View;
  compare: Compare;
  /** Where the line of the wipe is, 0..1 across the photo. */
  wipe: number;
  layers: Record<Layer, boolean>;
  fit: boolean;
  tool: Tool | null;
  selected: number | null;
  hovered: number | null;
  hidden: ReadonlySet<number>;
  solo: number | null;
}

export const BEGINNING: State = {
  view: "photo",
  compare: "off",
  wipe: 0.5,
  layers: { floor: true, room: true, camera: false, points: false },
  fit: false,
  tool: null,
  selected: null,
  hovered: null,
  hidden: new Set(),
  solo: null,
};

/** The objects that are shown; null for all. */
export function shownObjects(state: State, ids: Iterable<number>): ReadonlySet<number> | null {
  if (state.solo !== null) return new Set([state.solo]);
  if (!state.hidden.size) return null;
  return new Set([...ids].filter((id) => !state.hidden.has(id)));
}

/** The state after showing or hiding an object; one that is hidden ends another's solo. */
export function toggledEye(state: State, id: number): Partial<State> {
  if (state.solo !== null) {
    // What is seen now is one object alone: its eye closes it, another's opens it, too.
    return state.solo === id ? { solo: null, hidden: withToggled(state.hidden, id) } : { solo: null };
  }
  return { hidden: withToggled(state.hidden, id) };
}

function withToggled(set: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const made = new Set(set);
  if (!made.delete(id)) made.add(id);
  return made;
}
