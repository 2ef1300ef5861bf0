// The strip on its node, and the way to it from a scene.

import { fileURL, type App, type GraphNode } from "../shared/comfyui.ts";
import { makersOf, type LinkedNode } from "./makers.ts";
import { reviewOf, stripOf, type Review } from "./state.ts";
import { StripView } from "./view.ts";
import { wordsFor } from "./words.ts";

export const NODE = "CASTReviewObjects";
export const PROPERTY = "castReview";
const SIZE: [number, number] = [680, 620];
const LOWEST = 220;
const GAP = 60;

/** A node as it is on the canvas. */
type CanvasNode = GraphNode & { connect?(slot: number, target: GraphNode, input: number | string): unknown };

/** What the strip uses of the front end. */
export type StripApp = Omit<App, "graph" | "canvas"> & {
  graph: { add(node: GraphNode): void };
  canvas: { centerOnNode?(node: unknown): void; setDirty(front: boolean, back?: boolean): void; graph?: { add(node: GraphNode): void } | null };
  queuePrompt(number: number, count?: number): Promise<unknown>;
};

export interface MenuItem {
  content: string;
  callback(): void;
}

/** Puts the strip on a node of its kind. */
export function addStrip(app: StripApp, node: GraphNode): StripView | null {
  if (node.constructor?.nodeData?.name !== NODE) return null;
  const properties = (node.properties ??= {});
  const view = new StripView({
    words: wordsFor(app.extensionManager.setting.get("Comfy.Locale")),
    makers: () => makersOf(node as unknown as LinkedNode),
    url: (picture) => fileURL(app.api, picture),
    review: () => reviewOf((node.properties ?? properties)[PROPERTY]),
    keep: (review: Review) => {
      (node.properties ??= {})[PROPERTY] = review;
    },
    run: () => {
      void app.queuePrompt(0, 1).then(
        (queued) => queued === false && view.ended(true),
        () => view.ended(true),
      );
    },
    show: (target) => {
      app.canvas.centerOnNode?.(target);
      app.canvas.setDirty(true, true);
    },
  });
  node.addDOMWidget("strip", "cast_strip", view.host, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => LOWEST,
  });
  node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);

  const executed = node.onExecuted;
  node.onExecuted = function (this: GraphNode, output) {
    executed?.call(this, output);
    const strip = stripOf(output);
    if (strip) view.show(strip);
  };
  const failed = () => view.ended(true);
  const ended = () => view.ended(false);
  app.api.addEventListener("execution_error", failed);
  app.api.addEventListener("execution_interrupted", ended);
  app.api.addEventListener("execution_success", ended);
  const removed = node.onRemoved;
  node.onRemoved = function (this: GraphNode) {
    removed?.call(this);
    app.api.removeEventListener("execution_error", failed);
    app.api.removeEventListener("execution_interrupted", ended);
    app.api.removeEventListener("execution_success", ended);
  };
  return view;
}

/** The way from a scene's node to a strip of its objects. */
export function stripMenu(app: StripApp, node: GraphNode): MenuItem[] {
  if (node.type !== "CASTComposeScene") return [];
  const words = wordsFor(app.extensionManager.setting.get("Comfy.Locale"));
  return [{ content: words.addStrip, callback: () => void insertStrip(app, node) }];
}

/** Adds a strip right of a scene's node, connected. */
export function insertStrip(app: StripApp, scene: CanvasNode): GraphNode | null {
  const made = (globalThis as unknown as { LiteGraph?: { createNode(type: string): GraphNode | null } }).LiteGraph?.createNode(NODE);
  if (!made) return null;
  made.pos = [scene.pos[0] + scene.size[0] + GAP, scene.pos[1]];
  (app.canvas.graph ?? app.graph).add(made);
  scene.connect?.(0, made, "scene");
  app.canvas.setDirty(true, true);
  return made;
}
