// Which photo the picker shows before the node has run: the file of the Load Image upstream.

import type { ServedFile } from "../shared/comfyui.ts";

/** What is asked of the graph. */
export interface Link {
  origin_id: number | string;
}
export interface Upstream {
  id: number | string;
  type: string;
  inputs?: { name: string; link: number | null }[];
  widgets?: { name: string; value: unknown }[];
}
export interface Graph {
  getNodeById(id: number | string): Upstream | null | undefined;
  links: unknown;
}

const LOADERS = ["LoadImage", "LoadImageOutput"];
const FIRST = ["image", "objects"];

function linkOf(graph: Graph, id: number): Link | undefined {
  const { links } = graph;
  if (links instanceof Map) return links.get(id) as Link | undefined;
  return (links as Record<number, Link> | undefined)?.[id];
}

/** The node that loads the photo, found along the links against their direction. */
export function photoSource(graph: Graph, node: Upstream, seen = new Set<number | string>()): Upstream | null {
  if (seen.has(node.id)) return null;
  seen.add(node.id);
  if (LOADERS.includes(node.type) || node.type === "CASTDemoPhoto") return node;
  const inputs = [...(node.inputs ?? [])].sort((a, b) => Number(FIRST.includes(b.name)) - Number(FIRST.includes(a.name)));
  for (const { link } of inputs) {
    const origin = link === null ? undefined : linkOf(graph, link);
    const above = origin && graph.getNodeById(origin.origin_id);
    const found = above && photoSource(graph, above, seen);
    if (found) return found;
  }
  return null;
}

/** The file that a Load Image names: "photo.jpg", "folder/photo.jpg", "photo.jpg [output]". */
export function fileNamed(value: unknown): ServedFile | null {
  const found = typeof value === "string" ? /^(?:(.*)\/)?([^/]+?)(?: \[(input|output|temp)\])?$/.exec(value.trim()) : null;
  if (!found?.[2]) return null;
  return { filename: found[2], subfolder: found[1] ?? "", type: found[3] ?? "input" };
}
