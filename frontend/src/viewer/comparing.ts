// The photo over the drawn scene, in the frame where the photo's camera shows the same.

import { inFrame, type IdMap, paintOutlines } from "./outline.ts";
import type { Frame } from "./photo_camera.ts";
import type { Compare } from "./state.ts";

export const PHOTO_LINE = [64, 190, 255] as const;
export const SCENE_LINE = [255, 140, 40] as const;

export interface Comparing {
  compare: Compare;
  wipe: number;
  /** Blink: now it is the photo's turn. */
  photoNow: boolean;
  photo: CanvasImageSource;
  /** Where the photo lies, pixels of the canvas. */
  frame: Frame;
}

/** Draws the photo over the scene as the comparison wants it; outlines are drawn by their own. */
export function drawComparison(onto: CanvasRenderingContext2D, { compare, wipe, photoNow, photo, frame }: Comparing): void {
  const { x, y, width, height } = frame;
  const whole = () => onto.drawImage(photo, x, y, width, height);
  onto.save();
  if (compare === "wipe") {
    onto.beginPath();
    onto.rect(x, y, wipe * width, height);
    onto.clip();
    whole();
  } else if (compare === "blink" && photoNow) whole();
  else if (compare === "difference") {
    onto.globalCompositeOperation = "difference";
    whole();
  } else if (compare === "outline") {
    whole();
    onto.fillStyle = "rgb(0 0 0 / 35%)";
    onto.fillRect(x, y, width, height);
  }
  onto.restore();
}

/** A thin line around the photo, where the canvas is larger. */
export function drawFrame(onto: CanvasRenderingContext2D, { x, y, width, height }: Frame): void {
  onto.save();
  onto.strokeStyle = "rgb(255 255 255 / 45%)";
  onto.lineWidth = 1;
  onto.strokeRect(Math.round(x) + 0.5, Math.round(y) + 0.5, Math.round(width) - 1, Math.round(height) - 1);
  onto.restore();
}

/**
 * The outlines of the photo's masks and of the scene's objects as a picture of the area's size.
 *
 * @param scene what the scene shows in the area.
 * @param masks the photo's masks.
 * @param frame where the photo lies in the area.
 */
export function outlinePicture(scene: IdMap, masks: IdMap, frame: Frame): ImageData {
  const { width, height } = scene;
  const picture = new ImageData(width, height);
  const thickness = Math.max(1, Math.round(Math.max(width, height) / 700));
  paintOutlines(inFrame(masks, frame, width, height), PHOTO_LINE, picture.data, thickness);
  paintOutlines(scene, SCENE_LINE, picture.data, thickness);
  return picture;
}
