// The photo on which is drawn: canvas, pointer, and the keys of whoever draws without one.
//
// Keys go to an invisible input over the canvas: ComfyUI leaves the keys of inputs alone.

import { element } from "../shared/dom.ts";
import { type Box, type Point, simplified } from "./edits.ts";
import { corners, type Draft, paint, REACH_PX } from "./paint.ts";
import { type Action, fittedBox, movedBox, type Picked, type Row, type Size } from "./state.ts";
import { fit, inBox, inside, panned, toCanvas, toPhoto, type View, zoomed } from "./view.ts";
import type { Words } from "./words.ts";

export type Tool = "select" | "box" | "plus" | "minus" | "paint" | "erase";

/** What the stage asks of the panel. */
export interface StagePort {
  act(action: Action): void;
  say(text: string): void;
  key(event: KeyboardEvent): boolean;
  rows(): Row[];
  state(): Picked;
  /** The photo and the size in whose pixels is drawn; null when nothing can be drawn. */
  shown(): { size: Size; photo: CanvasImageSource } | null;
  brushChanged(radius: number): void;
}

/** What the pointer does until it is let go. */
type Grip =
  | { kind: "pan"; at: Point; from: Point; moved: boolean; pick: Row | null | undefined }
  | { kind: "draw"; from: Point; box: Box }
  | { kind: "stroke"; path: Point[]; adds: boolean }
  | { kind: "move"; id: number; box: Box; from: Point }
  | { kind: "corner"; id: number; fixed: Point };

const STILL_PX = 3;
const WHEEL = 1.0016;
const MOST_BRUSH = 400;
const STEP = 1;
const LARGE_STEP = 10;

export class Stage {
  readonly host: HTMLElement;
  tool: Tool = "box";
  private readonly canvas: HTMLCanvasElement;
  private readonly keys: HTMLInputElement;
  private readonly watcher: ResizeObserver | null;
  private view: View | null = null;
  private fitted: { photo: Size; canvas: Size } | null = null;
  private grip: Grip | null = null;
  private draft: Draft = {};
  private hover: Point | null = null;
  private cross: Point | null = null;
  private corner: Point | null = null;
  private radius = 12;
  private frame = 0;

  constructor(private readonly words: Words, private readonly port: StagePort) {
    this.canvas = element("canvas", { class: "cast-picker-canvas" });
    this.keys = element("input", {
      class: "cast-picker-keys", type: "text", readonly: true, "aria-label": words.canvas, autocomplete: "off",
    });
    this.host = element("div", { class: "cast-picker-stage" }, this.canvas, this.keys);
    const { canvas, keys } = this;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.drop());
    canvas.addEventListener("pointerleave", () => {
      this.hover = null;
      this.draw();
    });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    keys.addEventListener("keydown", (event) => this.keydown(event));
    keys.addEventListener("blur", () => {
      this.cross = this.corner = null;
      this.draw();
    });
    this.watcher = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => this.draw());
    this.watcher?.observe(this.host);
  }

  set brush(radius: number) {
    this.radius = Math.min(MOST_BRUSH, Math.max(1, radius));
    this.draw();
  }

  resizeBrush(factor: number): void {
    this.brush = this.radius * factor;
    this.port.brushChanged(this.radius);
  }

  focus(): void {
    this.keys.focus({ preventScroll: true });
  }

  /** The whole photo again. */
  fit(): void {
    this.view = null;
    this.draw();
  }

  dispose(): void {
    this.watcher?.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Draws when the browser next does. */
  draw(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }

  private get room(): Size {
    return [this.host.clientWidth, this.host.clientHeight];
  }

  /** The view, fitted anew when the photo or the room for it has changed. */
  private viewOf(photo: Size): View {
    const canvas = this.room;
    const same = (a: Size | undefined, b: Size) => a !== undefined && a[0] === b[0] && a[1] === b[1];
    if (!this.view || !same(this.fitted?.photo, photo) || !same(this.fitted?.canvas, canvas)) {
      this.view = fit(photo, canvas);
      this.fitted = { photo, canvas };
    }
    return this.view;
  }

  private drawNow(): void {
    const context = this.canvas.getContext("2d");
    const [width, height] = this.room;
    if (!context || !width || !height) return;
    const zoom = this.canvas.getBoundingClientRect().width / width || 1; // of the graph
    const ratio = Math.min(3, Math.max(0.5, zoom * devicePixelRatio));
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) [this.canvas.width, this.canvas.height] = [w, h];
    const shown = this.port.shown();
    if (!shown) {
      context.clearRect(0, 0, w, h);
      return;
    }
    const brushes = this.tool === "paint" || this.tool === "erase";
    const at = this.cross ?? this.hover;
    this.canvas.style.cursor = this.grip?.kind === "pan" ? "grabbing" : this.tool === "select" ? "default" : brushes ? "none" : "crosshair";
    paint(context, this.viewOf(shown.size), {
      photo: shown.photo, size: shown.size, rows: this.port.rows(), selected: this.port.state().selected,
      draft: this.draft, cross: this.cross, brush: brushes && at ? { at, radius: this.radius } : null,
    }, ratio);
  }

  /** The pointer in pixels of the canvas: the graph's zoom scales the page's. */
  private at(event: MouseEvent): Point {
    const frame = this.canvas.getBoundingClientRect();
    const [width, height] = this.room;
    return [((event.clientX - frame.left) * width) / frame.width, ((event.clientY - frame.top) * height) / frame.height];
  }

  private known(): number[] {
    return this.port.rows().map(({ id }) => id);
  }

  private selected(): Row | null {
    const { selected } = this.port.state();
    return this.port.rows().find(({ id }) => id === selected) ?? null;
  }

  // The pointer.

  private down(event: PointerEvent): void {
    event.preventDefault();
    event.stopPropagation();
    this.focus();
    this.cross = this.corner = null;
    const shown = this.port.shown();
    if (!shown || this.grip) return;
    const at = this.at(event);
    const view = this.viewOf(shown.size);
    const point = toPhoto(view, at);
    const start = (grip: Grip) => {
      this.grip = grip;
      this.canvas.setPointerCapture?.(event.pointerId);
    };
    if (event.button === 1 || event.button === 2) return start({ kind: "pan", at, from: at, moved: false, pick: undefined });
    if (event.button !== 0) return;
    switch (this.tool) {
      case "select":
        return start(this.taken(view, at, point));
      case "box":
        return start({ kind: "draw", from: point, box: [...point, ...point] });
      case "plus":
      case "minus":
        return this.click(point, view, shown.size);
      default:
        if (this.brushable()) start({ kind: "stroke", path: [point], adds: this.tool === "paint" });
        this.stretch(point, shown.size);
    }
  }

  /** What the select tool gets hold of. */
  private taken(view: View, at: Point, point: Point): Grip {
    const row = this.selected();
    const box = row?.keep ? (row.edit.box ?? row.box) : null;
    if (row && box) {
      const spots = corners(box);
      const hit = spots.findIndex((c) => near(toCanvas(view, c), at));
      if (hit >= 0) return { kind: "corner", id: row.id, fixed: spots[(hit + 2) % 4]! };
      if (row.edit.box && inBox(row.edit.box, point)) return { kind: "move", id: row.id, box: row.edit.box, from: point };
    }
    return { kind: "pan", at, from: at, moved: false, pick: this.under(point) };
  }

  /** The object under a point: the smallest whose outline, else whose box, is there. */
  private under(point: Point): Row | null {
    const size = (row: Row) => {
      const box = row.edit.box ?? row.box;
      return box ? (box[2] - box[0]) * (box[3] - box[1]) : Infinity;
    };
    const all = this.port.rows().sort((a, b) => Number(b.keep) - Number(a.keep) || size(a) - size(b));
    return all.find((row) => inside(row.outlines, point)) ?? all.find((row) => inBox(row.edit.box ?? row.box, point)) ?? null;
  }

  private move(event: PointerEvent): void {
    const shown = this.port.shown();
    if (!shown) return;
    const at = this.at(event);
    const view = this.viewOf(shown.size);
    this.hover = toPhoto(view, at);
    const { grip } = this;
    if (grip?.kind === "pan") {
      if (grip.moved || Math.hypot(at[0] - grip.from[0], at[1] - grip.from[1]) > STILL_PX) {
        this.view = panned(view, [at[0] - grip.at[0], at[1] - grip.at[1]], shown.size, this.room);
        grip.at = at;
        grip.moved = true;
      }
    } else if (grip) {
      // Strokes take all places between two frames, so that quick ones stay round.
      const all = grip.kind === "stroke" ? (event.getCoalescedEvents?.() ?? []) : [];
      for (const one of all.length ? all : [event]) this.stretch(toPhoto(view, this.at(one)), shown.size);
    }
    this.draw();
  }

  /** Draws on with what is held. */
  private stretch(point: Point, size: Size): void {
    const { grip } = this;
    if (grip?.kind === "draw") {
      grip.box = [...grip.from, ...point];
      this.draft = { box: fittedBox(grip.box, size) ?? undefined };
    } else if (grip?.kind === "stroke") {
      grip.path.push(point);
      this.draft = { stroke: { adds: grip.adds, radius: this.radius, path: grip.path } };
    } else if (grip?.kind === "move") {
      this.draft = { box: movedBox(grip.box, [point[0] - grip.from[0], point[1] - grip.from[1]], size) };
    } else if (grip?.kind === "corner") {
      this.draft = { box: fittedBox([...grip.fixed, ...point], size) ?? undefined };
    }
    this.draw();
  }

  private up(event: PointerEvent): void {
    const { grip } = this;
    const { box } = this.draft;
    const shown = this.port.shown();
    if (!grip || !shown) return this.drop();
    if (grip.kind !== "pan") this.stretch(toPhoto(this.viewOf(shown.size), this.at(event)), shown.size);
    const drawn = this.draft.box ?? box;
    this.drop();
    if (grip.kind === "pan") {
      if (!grip.moved && grip.pick !== undefined) this.port.act({ do: "select", id: grip.pick?.id ?? null });
    } else if (grip.kind === "stroke") {
      this.stroke(grip.path, grip.adds, shown.size);
    } else if (drawn) {
      const id = grip.kind === "draw" ? null : grip.id;
      if (grip.kind === "move" && same(drawn, grip.box)) return;
      this.port.act({ do: "box", id, box: whole(drawn), photo: shown.size, known: this.known() });
    }
  }

  private drop(): void {
    this.grip = null;
    this.draft = {};
    this.draw();
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    event.stopPropagation();
    const shown = this.port.shown();
    if (!shown) return;
    const delta = event.deltaY * (event.deltaMode === 1 ? 30 : 1);
    this.view = zoomed(this.viewOf(shown.size), WHEEL ** -delta, this.at(event), shown.size, this.room);
    this.draw();
  }

  // The tools.

  private click(point: Point, view: View, size: Size): void {
    if (point[0] < 0 || point[1] < 0 || point[0] > size[0] || point[1] > size[1]) return;
    const row = this.selected();
    const spot = toCanvas(view, point);
    const again = row?.edit.points?.findIndex(([x, y]) => near(toCanvas(view, [x, y]), spot)) ?? -1;
    if (row && again >= 0) return this.port.act({ do: "unpoint", id: row.id, index: again });
    if (!row && this.tool === "minus") return this.port.say(this.words.selectFirst);
    const sign = this.tool === "plus" ? 1 : -1;
    const [x, y] = [Math.round(point[0]), Math.round(point[1])];
    this.port.act({ do: "point", id: row?.id ?? null, point: [x, y, sign], photo: size, known: this.known() });
  }

  private brushable(): boolean {
    if (this.tool === "paint" || this.selected()) return true;
    this.port.say(this.words.selectFirst);
    return false;
  }

  private stroke(path: readonly Point[], adds: boolean, photo: Size): void {
    const radius = Math.round(this.radius * 10) / 10;
    const line = simplified(path, Math.max(0.5, radius / 20));
    const dab = line.length === 2 && same(line[0]!, line[1]!) ? line.slice(1) : line;
    const id = this.selected()?.id ?? null;
    this.port.act({ do: "stroke", id, stroke: { adds, radius, path: dab }, photo, known: this.known() });
  }

  // The keyboard.

  private keydown(event: KeyboardEvent): void {
    const enters = (event.key === "Enter" || event.key === " ") && !event.ctrlKey && !event.metaKey;
    const used = this.arrows(event) || (enters && this.enter()) || this.port.key(event);
    if (!used) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Arrow keys move the selected box with the select tool, the cross with the others. */
  private arrows(event: KeyboardEvent): boolean {
    const [dx, dy] = ARROWS[event.key] ?? [0, 0];
    const shown = this.port.shown();
    if ((!dx && !dy) || !shown) return false;
    const by = event.shiftKey ? LARGE_STEP : STEP;
    if (this.tool === "select") {
      const row = this.selected();
      const box = row?.keep ? (row.edit.box ?? row.box) : null;
      if (!row || !box) return true;
      const moved = movedBox(whole(box), [dx * by, dy * by], shown.size, event.altKey);
      this.port.act({ do: "box", id: row.id, box: moved, photo: shown.size, known: this.known() });
      return true;
    }
    const pace = Math.max(1, Math.round(4 / this.viewOf(shown.size).scale)) * (event.shiftKey ? 8 : 1);
    const [w, h] = shown.size;
    const [x, y] = this.cross ?? [Math.round(w / 2), Math.round(h / 2)];
    this.cross = [Math.min(w, Math.max(0, x + dx * pace)), Math.min(h, Math.max(0, y + dy * pace))];
    if (this.corner) this.draft = { box: fittedBox([...this.corner, ...this.cross], shown.size) ?? undefined };
    this.draw();
    return true;
  }

  /** Uses the tool at the cross; a box is drawn from the first place to the second. */
  private enter(): boolean {
    const shown = this.port.shown();
    if (!shown) return false;
    if (!this.cross) {
      this.cross = [Math.round(shown.size[0] / 2), Math.round(shown.size[1] / 2)];
      this.draw();
      return true;
    }
    const at = this.cross;
    if (this.tool === "select") this.port.act({ do: "select", id: this.under(at)?.id ?? null });
    else if (this.tool === "plus" || this.tool === "minus") this.click(at, this.viewOf(shown.size), shown.size);
    else if (this.tool !== "box") {
      if (this.brushable()) this.stroke([at], this.tool === "paint", shown.size);
    } else if (!this.corner) this.corner = at;
    else {
      this.port.act({ do: "box", id: null, box: [...this.corner, ...at], photo: shown.size, known: this.known() });
      this.corner = null;
      this.draft = {};
    }
    this.draw();
    return true;
  }
}

const ARROWS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const near = (a: Point, b: Point) => Math.hypot(a[0] - b[0], a[1] - b[1]) <= REACH_PX;
const same = (a: readonly number[], b: readonly number[]) => a.every((v, i) => v === b[i]);
const whole = (box: Box): Box => box.map(Math.round) as Box;
