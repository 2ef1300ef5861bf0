// Fetches what belongs to a scene.

import * as THREE from "../lib/three.ts";
import { type Api, fileURL, type ServedFile } from "../shared/comfyui.ts";
import type { About, SceneFiles } from "./about.ts";
import type { IdMap } from "./outline.ts";
import { readPoints } from "./points.ts";
import { SceneModel } from "./scene_model.ts";

/** The server no longer has a file. */
export class Gone extends Error {}

type Server = Pick<Api, "apiURL">;

async function fetched(server: Server, file: ServedFile, signal: AbortSignal): Promise<Response> {
  const response = await fetch(fileURL(server, file), { signal });
  if (response.status === 404) throw new Gone();
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response;
}

export interface Loaded {
  about: About;
  model: SceneModel;
  photo: ImageBitmap;
  masks: IdMap;
}

/** The scene, its photo and the photo's masks. */
export async function loadScene(server: Server, files: SceneFiles, signal: AbortSignal): Promise<Loaded> {
  const [about, glb, photo, masks] = await Promise.all([
    fetched(server, files.about, signal).then((r) => r.json() as Promise<About>),
    fetchGlb(server, files, signal),
    fetched(server, files.photo, signal).then(async (r) => createImageBitmap(await r.blob())),
    fetched(server, files.masks, signal).then(async (r) => maskMap(await r.blob())),
  ]);
  const gltf = await new THREE.GLTFLoader().parseAsync(glb, "");
  return { about, model: new SceneModel(gltf.scene, about), photo, masks };
}

export async function fetchGlb(server: Server, files: SceneFiles, signal: AbortSignal): Promise<ArrayBuffer> {
  return (await fetched(server, files.glb, signal)).arrayBuffer();
}

/** Adds the point cloud to a scene that has none yet. */
export async function loadPoints(server: Server, files: SceneFiles, model: SceneModel, signal: AbortSignal): Promise<void> {
  const cloud = readPoints(await (await fetched(server, files.points, signal)).arrayBuffer());
  if (!model.hasPoints) model.addPoints(cloud);
}

/** The grey values of a mask picture. */
async function maskMap(file: Blob): Promise<IdMap> {
  const picture = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = picture;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(picture, 0, 0);
  picture.close();
  const { data } = context.getImageData(0, 0, width, height);
  const ids = new Uint8Array(width * height);
  for (let i = 0; i < ids.length; i++) ids[i] = data[4 * i]!;
  return { width, height, ids };
}
