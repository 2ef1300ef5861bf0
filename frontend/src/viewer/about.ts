// What the server tells of a scene beside its GLB (cast_nodes/report/viewer.py writes it).

import type { ServedFile } from "../shared/comfyui.ts";

/** Where the files of a scene lie. */
export interface SceneFiles {
  glb: ServedFile;
  about: ServedFile;
  photo: ServedFile;
  masks: ServedFile;
  points: ServedFile;
}

/** One object of the photo, in the scene or with the reason why it is not. */
export interface AboutObject {
  id: number;
  label: string;
  node: string | null;
  failure: string | null;
  /** Register's overlap of outline and mask, 0..1; null when not measured. */
  iou: number | null;
  /** Overlap of what the scene shows of it and its mask, 0..1; null when not measured. */
  scene_iou: number | null;
  grade: string;
  /** How far it is from the measured depth, share of its size; null where that is near enough. */
  depth_off: number | null;
  /** Another pose fits nearly as well. */
  ambiguous: boolean;
  facts: [name: string, value: string][];
  locked: boolean;
  colour: [number, number, number];
}

/** Camera, floor and objects of a scene. Lengths in the scene's unit, pixels of the photo. */
export interface About {
  version: number;
  width: number;
  height: number;
  /** 3x3, pixels; (0, 0) is the corner of the first pixel. */
  intrinsics: number[][];
  /** 4x4, from the OpenCV camera (y down, z forward) to the world (y up). */
  world_from_camera: number[][];
  metric: boolean;
  floor: [number, number, number, number] | null;
  edits: string;
  objects: AboutObject[];
}

/** The overlap that is shown of an object: that in the finished scene before Register's own. */
export function shownIou(object: AboutObject): number | null {
  return object.scene_iou ?? object.iou;
}

/** A colour from red over amber to green, sRGB 0..255; grey when nothing was measured. */
export function fitColour(iou: number | null): [number, number, number] {
  if (iou === null || !Number.isFinite(iou)) return [128, 128, 132];
  const stops: [number, [number, number, number]][] = [
    [0.3, [200, 40, 40]],
    [0.5, [226, 120, 30]],
    [0.7, [226, 196, 50]],
    [0.9, [46, 160, 78]],
  ];
  const share = Math.min(Math.max(iou, 0.3), 0.9);
  const after = Math.max(1, stops.findIndex(([at]) => at >= share));
  const [low, from] = stops[after - 1]!;
  const [high, to] = stops[after]!;
  const t = (share - low) / (high - low);
  return from.map((c, i) => Math.round(c + t * (to[i]! - c))) as [number, number, number];
}

/** True when an `ui` output names a scene's files. */
export function isSceneFiles(value: unknown): value is SceneFiles {
  if (typeof value !== "object" || value === null) return false;
  return ["glb", "about", "photo", "masks", "points"].every((name) => {
    const file = (value as Record<string, unknown>)[name];
    return typeof file === "object" && file !== null && typeof (file as ServedFile).filename === "string";
  });
}
