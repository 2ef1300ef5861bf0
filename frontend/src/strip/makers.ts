// Which nodes before the strip made an object's view, mesh and pose, so that what is decided in
// the strip can be written there. Links are followed through reroutes, subgraphs and the pack's own
// nodes that change one object and hand on the rest.

import { widgetOf, type GraphNode } from "../shared/comfyui.ts";
import type { Part } from "./state.ts";

/** A link of the graph. */
interface Link {
  origin_id: number | string;
  origin_slot: number;
}

/** What of LiteGraph's graph is used here. */
export interface Graph {
  getLink?(id: number): Link | undefined | null;
  getNodeById(id: number | string): LinkedNode | undefined | null;
  nodes: LinkedNode[];
  rootGraph?: Graph;
}

/** A node with its links. */
export type LinkedNode = Omit<GraphNode, "graph"> & {
  graph?: Graph | null;
  subgraph?: Graph & { outputs?: { linkIds?: number[] }[] };
};

/** The node that makes one part, or why it cannot be told to. */
export type Maker = { node: LinkedNode; canLock: boolean } | { reason: Reason; title?: string };
export type Reason = "nothing connected" | "not made here" | "linked" | "off";

export interface Makers extends Record<Part, Maker> {
  /** The node whose `edits` hold poses; null where no scene is connected. */
  compose: LinkedNode | null;
}

const SOCKET: Record<Part, string> = { view: "views", mesh: "meshes", pose: "placements" };
/** Nodes whose widget `retry` makes that part anew, and those that also know `locked`. */
const MAKES: Record<Part, Record<string, boolean>> = {
  view: { CASTInpaint: true, CASTObjectsToImages: false },
  mesh: { CASTMesh: true, CASTViewsToImages: false },
  pose: { CASTRegister: false },
};
/** Nodes that change one object, or gather what another made: where to look on. */
const PASSES: Record<string, string> = {
  CASTOverrideView: "views",
  CASTOverrideMesh: "meshes",
  CASTOverridePose: "placements",
  CASTGatherViews: "order",
  CASTMeshesFromMesh: "order",
  CASTMeshesFromFile3D: "order",
  CASTMeshesFromTrimesh: "order",
};
const FARTHEST = 64;
const SUBGRAPH_INPUT = -10;
const NEVER = 2;
const BYPASS = 4;

export function makersOf(strip: LinkedNode): Makers {
  const scene = before(strip, "scene");
  const compose = scene?.type === "CASTComposeScene" ? scene : null;
  const from = scene ? compose : strip;
  return {
    view: makerOf("view", from, scene),
    mesh: makerOf("mesh", from, scene),
    pose: makerOf("pose", from, scene),
    compose,
  };
}

function makerOf(part: Part, from: LinkedNode | null, scene: LinkedNode | null): Maker {
  if (!from) return { reason: "not made here", title: scene?.title };
  let node = before(from, SOCKET[part]);
  for (let steps = 0; node && steps < FARTHEST; steps++) {
    if (node.mode === NEVER || node.mode === BYPASS) return { reason: "off", title: node.title };
    const canLock = MAKES[part][node.type];
    if (canLock !== undefined) {
      const linked = node.inputs?.some((input) => input.name === "retry" && input.link != null);
      if (linked || !widgetOf(node, "retry")) return { reason: "linked", title: node.title };
      return { node, canLock: canLock && widgetOf(node, "locked") !== undefined };
    }
    const onwards: string | undefined = PASSES[node.type];
    const next: LinkedNode | null = onwards ? before(node, onwards) : null;
    if (!next) return { reason: "not made here", title: node.title };
    node = next;
  }
  return { reason: "nothing connected" };
}

/** The node at the other end of an input's link, past reroutes and subgraphs' walls. */
export function before(node: LinkedNode, input: string): LinkedNode | null {
  const slot = node.inputs?.findIndex((i) => i.name === input) ?? -1;
  return slot < 0 ? null : origin(node, slot);
}

function origin(node: LinkedNode, slot: number): LinkedNode | null {
  let graph = node.graph;
  let id = node.inputs?.[slot]?.link;
  for (let steps = 0; graph && id != null && steps < FARTHEST; steps++) {
    const link: Link | null | undefined = graph.getLink?.(id);
    if (!link) return null;
    if (Number(link.origin_id) === SUBGRAPH_INPUT) {
      const inner: Graph = graph;
      const outer = holderOf(inner);
      graph = outer?.graph;
      id = outer?.inputs?.[link.origin_slot]?.link;
      continue;
    }
    const found: LinkedNode | null | undefined = graph.getNodeById(link.origin_id);
    if (!found) return null;
    if (found.subgraph) {
      id = found.subgraph.outputs?.[link.origin_slot]?.linkIds?.[0];
      graph = found.subgraph;
    } else if (found.type === "Reroute") {
      id = found.inputs?.[0]?.link;
    } else {
      return found;
    }
  }
  return null;
}

/** The node that shows a subgraph. */
function holderOf(inner: Graph): LinkedNode | null {
  const waiting: Graph[] = inner.rootGraph ? [inner.rootGraph] : [];
  for (let graph = waiting.pop(); graph; graph = waiting.pop()) {
    for (const node of graph.nodes) {
      if (node.subgraph === inner) return node;
      if (node.subgraph) waiting.push(node.subgraph);
    }
  }
  return null;
}
