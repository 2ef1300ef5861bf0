// The picture on the canvas: photo, outlines, boxes, points, strokes, names, the keyboard's cross.

import type { Box, Click, Point, Stroke } from "./edits.ts";
import type { Row, Size } from "./state.ts";
import { objectColour, toCanvas, type View } from "./view.ts";

/** What is being drawn at the moment. */
export interface Draft {
  box?: Box;
  stroke?: Stroke;
}

export interface Picture {
  photo: CanvasImageSource | null;
  /** Of the photo, in the pixels of the edits. */
  size: Size;
  rows: readonly Row[];
  selected: number | null;
  draft: Draft;
  /** Where the keyboard's cross is, or the brush under the pointer. */
  cross: Point | null;
  brush: { at: Point; radius: number } | null;
}

const DROPPED = "#9a9a9a";
const ADD = "rgb(64 200 96 / 55%)";
const ERASE = "rgb(220 60 50 / 55%)";
const NAME_LETTERS = 28;
/** How near a corner or a point must be hit, in CSS pixels. */
export const REACH_PX = 9;

export function paint(canvas: CanvasRenderingContext2D, view: View, picture: Picture, pixelRatio: number): void {
  const { width, height } = canvas.canvas;
  canvas.setTransform(1, 0, 0, 1, 0, 0);
  canvas.clearRect(0, 0, width, height);
  canvas.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  if (!picture.photo) return;
  const [w, h] = picture.size;
  canvas.imageSmoothingEnabled = view.scale < 4;
  canvas.drawImage(picture.photo, view.x, view.y, w * view.scale, h * view.scale);
  const ordered = [...picture.rows].sort((a, b) => Number(a.id === picture.selected) - Number(b.id === picture.selected));
  for (const row of ordered) outline(canvas, view, row, row.id === picture.selected);
  for (const row of ordered) if (row.keep && row.pending) for (const stroke of row.edit.strokes ?? []) line(canvas, view, stroke);
  for (const row of ordered) {
    const chosen = row.id === picture.selected;
    if (row.keep) marks(canvas, view, row, chosen);
    if (row.keep || chosen) name(canvas, view, row, chosen);
  }
  if (picture.draft.box) frame(canvas, view, picture.draft.box, "#fff", true);
  if (picture.draft.stroke) line(canvas, view, picture.draft.stroke);
  if (picture.brush) ring(canvas, toCanvas(view, picture.brush.at), picture.brush.radius * view.scale);
  if (picture.cross) cross(canvas, toCanvas(view, picture.cross));
}

function outline(canvas: CanvasRenderingContext2D, view: View, row: Row, chosen: boolean): void {
  if (!row.outlines.length) return;
  const colour = row.keep ? objectColour(row.id) : DROPPED;
  canvas.beginPath();
  for (const points of row.outlines) {
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = toCanvas(view, [points[i]!, points[i + 1]!]);
      if (i) canvas.lineTo(x, y);
      else canvas.moveTo(x, y);
    }
    canvas.closePath();
  }
  canvas.save();
  canvas.fillStyle = colour;
  canvas.globalAlpha = row.keep ? (chosen ? 0.42 : 0.28) : 0;
  canvas.fill("evenodd");
  canvas.globalAlpha = row.keep ? 1 : 0.6;
  if (chosen) stroked(canvas, "#fff", 4);
  if (!row.keep) canvas.setLineDash([4, 4]);
  stroked(canvas, colour, chosen ? 2 : 1.5);
  canvas.restore();
}

function stroked(canvas: CanvasRenderingContext2D, colour: string, width: number): void {
  canvas.strokeStyle = colour;
  canvas.lineWidth = width;
  canvas.stroke();
}

function frame(canvas: CanvasRenderingContext2D, view: View, box: Box, colour: string, dashed: boolean): void {
  const [x0, y0] = toCanvas(view, [box[0], box[1]]);
  const [x1, y1] = toCanvas(view, [box[2], box[3]]);
  canvas.save();
  canvas.beginPath();
  canvas.rect(x0, y0, x1 - x0, y1 - y0);
  stroked(canvas, "rgb(0 0 0 / 60%)", 3);
  if (dashed) canvas.setLineDash([6, 4]);
  stroked(canvas, colour, 1.5);
  canvas.restore();
}

/** Box with its corners and points. */
function marks(canvas: CanvasRenderingContext2D, view: View, row: Row, chosen: boolean): void {
  const box = row.edit.box ?? (chosen ? row.box : null);
  if (box && (chosen || row.pending || !row.outlines.length)) frame(canvas, view, box, objectColour(row.id), !row.edit.box);
  if (box && chosen)
    for (const corner of corners(box)) {
      const [x, y] = toCanvas(view, corner);
      canvas.fillStyle = "#fff";
      canvas.strokeStyle = "#000";
      canvas.lineWidth = 1;
      canvas.fillRect(x - 3.5, y - 3.5, 7, 7);
      canvas.strokeRect(x - 3.5, y - 3.5, 7, 7);
    }
  for (const click of row.edit.points ?? []) point(canvas, view, click, chosen);
}

export const corners = ([a, b, c, d]: Box): Point[] => [[a, b], [c, b], [c, d], [a, d]];

function point(canvas: CanvasRenderingContext2D, view: View, [px, py, sign]: Click, chosen: boolean): void {
  const [x, y] = toCanvas(view, [px, py]);
  const radius = chosen ? 7 : 5;
  canvas.beginPath();
  canvas.arc(x, y, radius, 0, 2 * Math.PI);
  canvas.fillStyle = sign > 0 ? "#1f9d45" : "#c8372d";
  canvas.fill();
  stroked(canvas, "#fff", 1.5);
  canvas.beginPath();
  canvas.moveTo(x - radius / 2, y);
  canvas.lineTo(x + radius / 2, y);
  if (sign > 0) {
    canvas.moveTo(x, y - radius / 2);
    canvas.lineTo(x, y + radius / 2);
  }
  stroked(canvas, "#fff", 1.5);
}

function line(canvas: CanvasRenderingContext2D, view: View, stroke: Stroke): void {
  const radius = stroke.radius * view.scale;
  canvas.save();
  canvas.beginPath();
  for (const [i, at] of stroke.path.entries()) {
    const [x, y] = toCanvas(view, at);
    if (i) canvas.lineTo(x, y);
    else canvas.moveTo(x, y);
    if (stroke.path.length === 1) canvas.lineTo(x, y + 1e-3);
  }
  canvas.lineCap = canvas.lineJoin = "round";
  stroked(canvas, stroke.adds ? ADD : ERASE, 2 * radius);
  canvas.restore();
}

function ring(canvas: CanvasRenderingContext2D, [x, y]: Point, radius: number): void {
  canvas.beginPath();
  canvas.arc(x, y, radius, 0, 2 * Math.PI);
  stroked(canvas, "rgb(0 0 0 / 70%)", 2.5);
  stroked(canvas, "#fff", 1);
}

function cross(canvas: CanvasRenderingContext2D, [x, y]: Point): void {
  canvas.beginPath();
  canvas.moveTo(x - 12, y);
  canvas.lineTo(x + 12, y);
  canvas.moveTo(x, y - 12);
  canvas.lineTo(x, y + 12);
  stroked(canvas, "#000", 3);
  stroked(canvas, "#fff", 1.2);
}

function name(canvas: CanvasRenderingContext2D, view: View, row: Row, chosen: boolean): void {
  const box = row.edit.box ?? row.box;
  const first = row.edit.points?.[0];
  const at: Point | null = box ? [box[0], box[1]] : first ? [first[0], first[1]] : null;
  if (!at) return;
  const letters = Array.from(row.label);
  const text = `${letters.length > NAME_LETTERS ? `${letters.slice(0, NAME_LETTERS).join("")}…` : row.label} ${row.id}`;
  canvas.font = `${chosen ? "600 " : ""}11px system-ui, sans-serif`;
  const [x, y] = toCanvas(view, at);
  const width = canvas.measureText(text).width + 8;
  const top = Math.max(1, y - 21);
  canvas.fillStyle = row.keep ? objectColour(row.id) : DROPPED;
  canvas.globalAlpha = 0.92;
  canvas.fillRect(x, top, width, 15);
  canvas.globalAlpha = 1;
  canvas.fillStyle = "#fff";
  canvas.strokeStyle = "rgb(0 0 0 / 75%)";
  canvas.lineWidth = 2.5;
  canvas.strokeText(text, x + 4, top + 11);
  canvas.fillText(text, x + 4, top + 11);
}
