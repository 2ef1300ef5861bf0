// The picker's piece of the page: toolbar, photo, list of objects.
//
// It is no shadow tree: ComfyUI takes keys from anything that is not an input of the page itself,
// and an input inside a shadow tree does not look like one to it.

import { element, oneLine } from "../shared/dom.ts";
import { NO_EDITS, type Point, readEdits, writeEdits } from "./edits.ts";
import { iconOf, type ToolIcon } from "./icons.ts";
import { ObjectList } from "./list.ts";
import css from "./picker.css";
import { Stage, type Tool } from "./stage.ts";
import { type Action, type Found, NOTHING, type Picked, picked, type Row, rows, type Size } from "./state.ts";
import { filled, type Words } from "./words.ts";

/** What a run of the node has told. */
export interface RunOutput {
  size: Size;
  edits: string;
  objects: Found[];
}

/** What the picker asks of its node. */
export interface Port {
  read(): string;
  write(text: string): void;
  run(): Promise<unknown>;
}

const TOOLS: [Tool, string][] = [
  ["select", "v"], ["box", "b"], ["plus", "p"], ["minus", "n"], ["paint", "d"], ["erase", "e"],
];
const OTHER_SHAPE = 0.02;
const AUTO_MS = 500;
const STYLE = "cast-picker-style";
const HINT_MS = 4000;

export class Picker {
  readonly host: HTMLElement;
  readonly stage: Stage;
  private readonly list: ObjectList;
  private readonly buttons = new Map<Tool, HTMLButtonElement>();
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly update: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly auto: HTMLInputElement;
  private readonly size: HTMLInputElement;
  private readonly hint: HTMLElement;
  private state: Picked = NOTHING;
  private readable = true;
  private run: RunOutput | null = null;
  private photo: HTMLImageElement | null = null;
  private photoFailed = false;
  private source = "";
  private spoken = "";
  private timer = 0;
  private quiet = 0;

  constructor(private readonly words: Words, private readonly port: Port) {
    addStyle();
    this.stage = new Stage(words, {
      act: (action) => this.act(action),
      say: (text) => this.say(text),
      key: (event) => this.key(event),
      rows: () => this.rows(),
      state: () => this.state,
      shown: () => (this.blocked() ? null : this.photoSize()),
      brushChanged: (radius) => {
        this.size.value = String(Math.round(radius));
      },
    });
    this.list = new ObjectList(words, (action) => this.act(action), () => this.stage.focus());
    const button = (icon: ToolIcon, title: string, onclick: () => void, more = {}) =>
      element("button", { type: "button", title, "aria-label": title, onclick, ...more }, iconOf(icon));
    for (const [tool] of TOOLS)
      this.buttons.set(tool, button(tool, words[tool], () => this.choose(tool), { "data-tool": tool }));
    this.undo = button("undo", words.undo, () => this.act({ do: "undo" }));
    this.redo = button("redo", words.redo, () => this.act({ do: "redo" }));
    this.clear = button("clear", words.clear, () => this.act({ do: "clear" }));
    this.size = element("input", {
      type: "range", class: "cast-picker-size", min: 1, max: 200, value: 12, title: words.size, "aria-label": words.size,
      oninput: () => {
        this.stage.brush = Number(this.size.value);
      },
    });
    this.update = element("button", { type: "button", class: "cast-picker-run", title: words.runLong, onclick: () => this.runNow() }, words.run);
    this.auto = element("input", { type: "checkbox", onchange: () => this.auto.checked && this.runNow() });
    this.hint = element("div", { class: "cast-picker-hint", role: "status" });
    const group = (...parts: HTMLElement[]) => element("div", { class: "cast-picker-group" }, ...parts);
    const bar = element(
      "div", { class: "cast-picker-bar", role: "toolbar", "aria-label": words.picker },
      group(...this.buttons.values()),
      group(this.size),
      group(this.undo, this.redo, button("fit", words.fit, () => this.stage.fit()), this.clear),
      group(this.update, element("label", { title: words.autoLong }, this.auto, words.auto)),
    );
    this.stage.host.append(this.hint);
    this.host = element(
      "section", { class: "cast-picker", "aria-label": words.picker, "data-capture-wheel": "true" },
      bar, element("div", { class: "cast-picker-body" }, this.stage.host, this.list.host),
    );
    // What happens here is not for the graph: it would move the node, delete it, or undo.
    for (const kind of ["pointerdown", "mousedown", "dblclick", "contextmenu", "keydown", "keyup", "keypress", "copy", "paste", "cut"])
      this.host.addEventListener(kind, (event) => {
        if (!isForComfyUI(event)) event.stopPropagation();
      });
    this.host.addEventListener("wheel", (event) => event.stopPropagation());
    this.choose("box");
    this.load();
  }

  /** Takes the edits that the node's widget holds, as after loading a workflow. */
  load(): void {
    const text = this.port.read();
    const edits = readEdits(text);
    this.readable = edits !== null;
    if (edits !== null && text !== writeEdits(this.state.edits)) this.state = picked(this.state, { do: "load", edits });
    this.refresh();
  }

  /** Shows what a run of the node has told. */
  show(run: RunOutput): void {
    this.run = run;
    this.spoken = "";
    this.refresh();
  }

  /** Forgets the last run: the photo is another one. */
  forget(): void {
    this.run = null;
    this.refresh();
  }

  /** Shows the photo of an address; the same address is not loaded again. */
  showPhoto(url: string): void {
    if (url === this.source) return;
    this.source = url;
    this.photoFailed = false;
    if (!url) {
      this.photo = null;
      this.refresh();
      return;
    }
    const image = new Image();
    const done = (loaded: boolean) => {
      if (this.source !== url) return;
      this.photo = loaded ? image : null;
      this.photoFailed = !loaded;
      this.refresh();
    };
    image.onload = () => done(true);
    image.onerror = () => done(false);
    image.src = url;
  }

  /** Tells why a run failed. */
  failed(why: string): void {
    this.say(filled(this.words.failed, { why: oneLine(why) }));
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.quiet);
    this.stage.dispose();
  }

  private choose(tool: Tool): void {
    this.stage.tool = tool;
    for (const [name, button] of this.buttons) button.setAttribute("aria-pressed", String(name === tool));
    this.size.disabled = tool !== "paint" && tool !== "erase";
    this.stage.draw();
  }

  private act(action: Action): void {
    if (!this.readable && action.do !== "clear") return;
    const before = this.state;
    this.state = picked(before, action);
    if (action.do === "clear" && !this.readable) {
      this.readable = true;
      this.port.write("");
    } else if (before.edits !== this.state.edits) {
      this.port.write(writeEdits(this.state.edits));
    }
    if (before.edits !== this.state.edits) {
      this.spoken = "";
      if (this.auto.checked) {
        clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.runNow(), AUTO_MS);
      }
    }
    this.refresh();
  }

  private runNow(): void {
    clearTimeout(this.timer);
    void Promise.resolve(this.port.run()).catch((error: unknown) => this.failed(String(error)));
  }

  /** The size of the photo in whose pixels everything is told. */
  private photoSize(): { size: Size; photo: HTMLImageElement } | null {
    if (!this.photo) return null;
    const natural: Size = [this.photo.naturalWidth, this.photo.naturalHeight];
    return { size: this.state.edits.photo ?? this.run?.size ?? natural, photo: this.photo };
  }

  /** Why nothing can be drawn, "" when it can. */
  private blocked(): string {
    if (!this.readable) return this.words.unreadable;
    const drawn = this.state.edits.photo;
    if (!drawn || !this.photo) return "";
    const [w, h] = [this.photo.naturalWidth, this.photo.naturalHeight];
    if (Math.abs(Math.log(drawn[0] / drawn[1] / (w / h))) <= OTHER_SHAPE) return "";
    return filled(this.words.otherPhoto, { a: drawn.join(" × "), b: `${w} × ${h}` });
  }

  /** The objects, in pixels of the edits. */
  private rows(): Row[] {
    const shown = this.photoSize();
    const run = this.run;
    const by = shown && run ? [shown.size[0] / run.size[0], shown.size[1] / run.size[1]] as const : ([1, 1] as const);
    const objects = (run?.objects ?? []).map((item) => ({ ...item, ...scaled(item, by) }));
    const before = readEdits(run?.edits ?? "") ?? NOTHING.edits;
    return rows(objects, this.state.edits, before);
  }

  private say(text: string): void {
    this.spoken = text;
    clearTimeout(this.quiet);
    this.quiet = window.setTimeout(() => {
      this.spoken = "";
      this.refresh();
    }, HINT_MS);
    this.refresh();
  }

  private refresh(): void {
    const blocked = this.blocked();
    const all = this.rows();
    this.undo.disabled = !this.state.past.length;
    this.redo.disabled = !this.state.future.length;
    this.clear.disabled = this.readable && !this.state.edits.objects.size;
    const due = all.some((row) => row.pending) || (this.run !== null && written(this.run.edits) !== writeEdits(this.state.edits));
    this.update.classList.toggle("cast-picker-due", due && !blocked);
    this.list.show(all, this.state.selected);
    const waiting = this.photoFailed ? this.words.photoFailed : this.photo ? (all.length ? "" : this.words.none) : this.words.noPhoto;
    const text = blocked || this.spoken || waiting;
    this.hint.hidden = !text;
    this.hint.textContent = text;
    if (blocked)
      this.hint.append(element("button", { type: "button", onclick: () => this.act({ do: "clear" }) }, this.words.startAgain));
    this.stage.draw();
  }

  /** Keys that mean the same wherever the stage has the focus. True when the key was used. */
  private key(event: KeyboardEvent): boolean {
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" && key !== "y") return false;
      this.act({ do: key === "y" || event.shiftKey ? "redo" : "undo" });
      return true;
    }
    if (event.altKey) return false;
    const tool = TOOLS.find(([, letter]) => letter === key)?.[0];
    if (tool) this.choose(tool);
    else if (key === "f") this.stage.fit();
    else if (key === "[" || key === "]") this.stage.resizeBrush(key === "]" ? 1.25 : 0.8);
    else if (key === "escape") this.act({ do: "select", id: null });
    else if (key === "delete" || key === "backspace") this.remove();
    else return false;
    return true;
  }

  private remove(): void {
    const row = this.rows().find(({ id }) => id === this.state.selected);
    if (row) this.act({ do: "keep", id: row.id, keep: false, found: !row.byHand });
  }
}

/** A text of edits as the picker itself would write it: people and programs space it as they like. */
const written = (text: string): string => writeEdits(readEdits(text) ?? NO_EDITS);

/** Run (Ctrl+Enter) and save (Ctrl+S) mean the whole workflow, wherever they are pressed. */
function isForComfyUI(event: Event): boolean {
  const { ctrlKey, metaKey, key } = event as KeyboardEvent;
  return (ctrlKey || metaKey) && ["enter", "s"].includes(key?.toLowerCase() ?? "");
}

function scaled(item: Found, [across, down]: readonly [number, number]): Pick<Found, "box" | "outlines"> {
  const [a, b, c, d] = item.box;
  return {
    box: [a * across, b * down, c * across, d * down],
    outlines: item.outlines.map((line) => line.map((v, i) => v * (i % 2 ? down : across))),
  };
}

function addStyle(): void {
  if (document.getElementById(STYLE)) return;
  const style = element("style", { id: STYLE });
  style.textContent = css;
  document.head.append(style);
}

export type { Point };
