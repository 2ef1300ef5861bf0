// What the strip does to the graph: it writes into widgets of the nodes that made the objects.

import { widgetOf, type Widget } from "../shared/comfyui.ts";
import type { LinkedNode, Makers } from "./makers.ts";
import {
  poseLocked,
  posedByHand,
  readEdits,
  readLocks,
  readRetries,
  withLock,
  withPoseLocked,
  withPoseUnlocked,
  withRetry,
  type Part,
  type Review,
  type Row,
} from "./state.ts";

/** One widget that was written, for the line that tells the user. */
export interface Written {
  node: LinkedNode;
  widget: string;
}

function set(node: LinkedNode, name: string, value: string): Written | null {
  const widget = widgetOf(node, name);
  if (!widget || widget.value === value) return null;
  widget.value = value;
  widget.callback?.(value);
  node.setDirtyCanvas(true, true);
  return { node, widget: name };
}

/** How often a part of an object was made anew. */
export function attempt(makers: Makers, part: Part, id: number): number {
  const maker = makers[part];
  return "node" in maker ? (readRetries(widgetOf(maker.node, "retry")?.value).get(id) ?? 0) : 0;
}

/** Has a part of one object made anew (by 1), or goes back to the attempt before (by -1). */
export function retry(makers: Makers, part: Part, id: number, by: 1 | -1): Written | null {
  const maker = makers[part];
  if (!("node" in maker)) return null;
  const text = widgetOf(maker.node, "retry")?.value;
  return set(maker.node, "retry", withRetry(text, id, attempt(makers, part, id) + by));
}

/** How much of an object is locked of what can be. */
export type Hold = "none" | "part" | "all";

interface Lockable {
  held: boolean;
  lock(review: Review): Written | null;
  unlock(review: Review): Written | null;
}

function lockable(makers: Makers, row: Row): Lockable[] {
  const found: Lockable[] = [];
  for (const part of ["view", "mesh"] as const) {
    const maker = makers[part];
    const key = row.locks[part];
    if (!("node" in maker) || !maker.canLock) continue;
    const { node } = maker;
    const text = () => widgetOf(node, "locked")?.value;
    const held = readLocks(text()).has(row.id);
    if (!key && !held) continue;
    found.push({
      held,
      lock: () => (key ? set(node, "locked", withLock(text(), row.id, key)) : null),
      unlock: () => set(node, "locked", withLock(text(), row.id, null)),
    });
  }
  const { compose } = makers;
  const edits: Widget | undefined = compose ? widgetOf(compose, "edits") : undefined;
  if (compose && edits && readEdits(edits.value)) {
    const held = poseLocked(edits.value, row.id);
    const { pose } = row;
    if (pose || held) {
      found.push({
        held,
        lock: () => (pose ? set(compose, "edits", withPoseLocked(edits.value, row.id, pose)) : null),
        unlock: (review) =>
          set(compose, "edits", withPoseUnlocked(edits.value, row.id, review.posedByHand.includes(row.id))),
      });
    }
  }
  return found;
}

export function hold(makers: Makers, row: Row): Hold {
  const all = lockable(makers, row);
  const held = all.filter((one) => one.held).length;
  return held === 0 ? "none" : held === all.length ? "all" : "part";
}

export function canLock(makers: Makers, row: Row): boolean {
  return lockable(makers, row).length > 0;
}

/** Locks all of an object that can be locked; tells what was written, and the review after it. */
export function lock(makers: Makers, row: Row, review: Review): { written: Written[]; review: Review } {
  const edits = makers.compose ? widgetOf(makers.compose, "edits")?.value : "";
  const ours = readEdits(edits)?.[row.id]?.locked === true && !review.posedByHand.includes(row.id);
  const others = review.posedByHand.filter((id) => id !== row.id);
  const after = { ...review, posedByHand: posedByHand(edits, row.id) && !ours ? [...others, row.id] : others };
  return { written: all(lockable(makers, row).map((one) => one.lock(review))), review: after };
}

export function unlock(makers: Makers, row: Row, review: Review): { written: Written[]; review: Review } {
  const written = all(lockable(makers, row).map((one) => one.unlock(review)));
  return { written, review: { ...review, posedByHand: review.posedByHand.filter((id) => id !== row.id) } };
}

const all = (found: (Written | null)[]): Written[] => found.filter((one) => one !== null);
