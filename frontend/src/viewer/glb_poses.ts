// A GLB with other poses of some of its nodes; everything else stays byte for byte.

import type { Pose } from "./edits.ts";

const MAGIC = 0x46546c67;
const JSON_CHUNK = 0x4e4f534a;

/** Rotation as glTF has it (x, y, z, w) from Euler angles about the turning x, y, z. */
export function quaternionOf([x, y, z]: Pose["rotation_deg"]): [number, number, number, number] {
  const half = Math.PI / 360;
  const [cx, cy, cz] = [x, y, z].map((a) => Math.cos(a * half)) as [number, number, number];
  const [sx, sy, sz] = [x, y, z].map((a) => Math.sin(a * half)) as [number, number, number];
  return [
    sx * cy * cz + cx * sy * sz,
    cx * sy * cz - sx * cy * sz,
    cx * cy * sz + sx * sy * cz,
    cx * cy * cz - sx * sy * sz,
  ];
}

/** Throws an Error when these bytes are no GLB. */
export function withPoses(glb: ArrayBuffer, poses: ReadonlyMap<string, Pose>): Uint8Array<ArrayBuffer> {
  const view = new DataView(glb);
  if (glb.byteLength < 20 || view.getUint32(0, true) !== MAGIC || view.getUint32(16, true) !== JSON_CHUNK)
    throw new Error("this is no GLB file");
  const length = view.getUint32(12, true);
  const document = JSON.parse(new TextDecoder().decode(new Uint8Array(glb, 20, length)));
  for (const node of document.nodes ?? []) {
    const pose = poses.get(node.name);
    if (!pose) continue;
    delete node.matrix;
    node.translation = pose.position;
    node.rotation = quaternionOf(pose.rotation_deg);
    node.scale = [pose.scale, pose.scale, pose.scale];
  }
  const text = new TextEncoder().encode(JSON.stringify(document));
  const padded = Math.ceil(text.length / 4) * 4;
  const rest = new Uint8Array(glb, 20 + length);
  const made = new Uint8Array(20 + padded + rest.length).fill(0x20, 20, 20 + padded);
  const head = new DataView(made.buffer);
  head.setUint32(0, MAGIC, true);
  head.setUint32(4, 2, true);
  head.setUint32(8, made.length, true);
  head.setUint32(12, padded, true);
  head.setUint32(16, JSON_CHUNK, true);
  made.set(text, 20);
  made.set(rest, 20 + padded);
  return made;
}
