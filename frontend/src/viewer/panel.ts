// The viewer's buttons, its list of objects and its line of facts.

import { element, oneLine } from "../shared/dom.ts";
import { type AboutObject, fitColour, shownIou } from "./about.ts";
import { icon, type IconName } from "./icons.ts";
import { type Compare, COMPARES, LAYERS, type State, type Tool, TOOLS, type View } from "./state.ts";
import type { Texts } from "./texts.ts";
import type { Layer } from "./scene_model.ts";

/** What the panel asks for. */
export interface Actions {
  view(view: View): void;
  compare(compare: Compare): void;
  layer(layer: Layer, on: boolean): void;
  fit(on: boolean): void;
  tool(tool: Tool | null): void;
  undo(): void;
  redo(): void;
  reset(): void;
  picture(): void;
  glb(): void;
  select(id: number | null): void;
  hover(id: number | null): void;
  eye(id: number): void;
  solo(id: number): void;
  lock(id: number): void;
  text(text: string): void;
}

/** What the panel shows beside the state. */
export interface Shown {
  objects: readonly AboutObject[];
  /** The objects in the scene. */
  placed: ReadonlySet<number>;
  locked: ReadonlySet<number>;
  changed: ReadonlySet<number>;
  canUndo: boolean;
  canRedo: boolean;
  canReset: boolean;
  editsText: string;
}

interface Row {
  row: HTMLElement;
  name: HTMLButtonElement;
  eye: HTMLButtonElement;
  solo: HTMLButtonElement;
  lock: HTMLButtonElement | null;
}

export class Panel {
  readonly root: HTMLElement;
  readonly stage = element("div", { class: "stage" });
  private readonly list: HTMLElement;
  private readonly status = element("div", { class: "status", role: "status" });
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly rows = new Map<number, Row>();
  private readonly compareGroup: HTMLElement;
  private readonly area: HTMLTextAreaElement | null = null;
  private readonly drawer: HTMLElement | null = null;
  private objects: readonly AboutObject[] = [];

  constructor(
    private readonly texts: Texts,
    private readonly actions: Actions,
    private readonly editable: boolean,
  ) {
    const t = texts;
    const views = this.group(t.view, [
      this.choice("photo", t.photo, t.photoTip, () => actions.view("photo")),
      this.choice("orbit", t.orbit, t.orbitTip, () => actions.view("orbit")),
    ]);
    this.compareGroup = this.group(
      t.compare,
      COMPARES.map((c) => this.choice(c, t[c], t[`${c}Tip`], () => actions.compare(c))),
    );
    const layers = this.group(t.show, [
      ...LAYERS.map((l) => this.toggle(l, t[l], `${t.show}: ${t[l]}`, (on) => actions.layer(l, on))),
      this.toggle("fit", t.fit, t.fitTip, (on) => actions.fit(on)),
    ]);
    const bar = element("div", { class: "bar", role: "toolbar", "aria-label": t.view }, views, this.compareGroup, layers);
    if (editable) {
      bar.append(
        this.group(t.edit, [
          ...TOOLS.map((tool) => this.toggle(tool, t[tool], t[`${tool}Tip`], (on) => actions.tool(on ? tool : null))),
          this.button("reset", t.reset, t.resetTip, actions.reset),
        ]),
        this.group(t.edit, [
          this.button("undo", icon("undo"), `${t.undo} (Ctrl+Z)`, actions.undo),
          this.button("redo", icon("redo"), `${t.redo} (Ctrl+Y)`, actions.redo),
          this.toggle("text", icon("text"), t.text, (on) => this.openDrawer(on)),
        ]),
      );
    }
    bar.append(
      this.group(t.picture, [
        this.button("picture", icon("picture"), t.picture, actions.picture),
        this.button("glb", icon("save"), t.glb, actions.glb),
      ]),
    );
    this.list = element("div", { class: "list", role: "group", "aria-label": t.objects });
    const body = element("div", { class: "body" }, this.stage, this.list);
    this.root = element("div", { class: "viewer" }, bar, body);
    if (editable) {
      this.area = element("textarea", { "aria-label": t.text, spellcheck: "false" });
      this.area.addEventListener("change", () => actions.text(this.area!.value));
      this.drawer = element("div", { class: "edits", hidden: true }, element("div", {}, t.textHint), this.area);
      this.root.append(this.drawer);
    }
    this.root.append(this.status);
  }

  /** Shows a state; the list is made anew when the objects are others. */
  show(state: State, shown: Shown): void {
    if (shown.objects !== this.objects) this.fillList(shown);
    const pressed: Record<string, boolean> = { ...state.layers, fit: state.fit };
    for (const tool of TOOLS) pressed[tool] = state.tool === tool;
    for (const [name, on] of Object.entries(pressed)) this.press(name, on);
    for (const view of ["photo", "orbit"]) this.check(view, state.view === view);
    for (const compare of COMPARES) this.check(compare, state.compare === compare);
    this.compareGroup.hidden = state.view !== "photo";
    const selected = state.selected !== null && shown.placed.has(state.selected);
    for (const tool of TOOLS) this.enable(tool, selected);
    this.enable("reset", shown.canReset);
    this.enable("undo", shown.canUndo);
    this.enable("redo", shown.canRedo);
    for (const name of ["picture", "glb"]) this.enable(name, shown.objects.length > 0 || shown.placed.size > 0);
    for (const [id, row] of this.rows) {
      const seen = state.solo === null ? !state.hidden.has(id) : state.solo === id;
      row.row.classList.toggle("selected", state.selected === id);
      row.row.classList.toggle("changed", shown.changed.has(id));
      row.name.setAttribute("aria-pressed", String(state.selected === id));
      setPressed(row.eye, seen, seen ? "eye" : "eyeOff");
      setPressed(row.solo, state.solo === id);
      if (row.lock) setPressed(row.lock, shown.locked.has(id), shown.locked.has(id) ? "lock" : "unlock");
    }
    if (this.area && this.area !== rootActive(this.area)) this.area.value = shown.editsText;
    this.status.textContent = this.status.title = this.facts(state, shown);
  }

  /** Says that the text could be read, or not. */
  textIsGood(good: boolean): void {
    this.area?.setAttribute("aria-invalid", String(!good));
    if (!good) this.status.textContent = this.texts.textBad;
  }

  private openDrawer(on: boolean): void {
    this.drawer!.hidden = !on;
    this.press("text", on);
    if (on) this.area!.focus();
  }

  /** The facts of the object under the pointer, else of the selected one, else of all. */
  private facts(state: State, shown: Shown): string {
    const t = this.texts;
    const object = shown.objects.find((o) => o.id === (state.hovered ?? state.selected));
    if (!object) {
      const ious = shown.objects.map(shownIou).filter((v): v is number => v !== null).sort((a, b) => a - b);
      const median = ious.length ? `, ${t.median} ${percent(ious[Math.floor((ious.length - 1) / 2)]!)}` : "";
      return shown.objects.length ? `${shown.placed.size} ${shown.placed.size === 1 ? t.one : t.summary}${median}` : "";
    }
    const name = `${oneLine(object.label, 60)} ${object.id}`;
    if (!shown.placed.has(object.id)) return `${name}: ${t.notPlaced} – ${oneLine(object.failure)}`;
    const iou = shownIou(object);
    const parts = [iou === null ? t.unmeasured : `${t.iou} ${percent(iou)}`];
    const first = object.scene_iou === null || object.iou === null ? "" : percent(object.iou);
    if (first && first !== percent(iou!)) parts.push(`${t.atRegister} ${first}`);
    if (shown.changed.has(object.id)) parts.push(t.changed);
    else parts.push(...this.doubts(object));
    return `${name}: ${parts.join(", ")}`;
  }

  /** Why an object may stand wrong although its outline fits. */
  private doubts({ depth_off, ambiguous }: AboutObject): string[] {
    const t = this.texts;
    const found = depth_off === null ? [] : [`${t.depthOff} ${percent(depth_off)} ${t.ofSize}`];
    return ambiguous ? [...found, t.ambiguous] : found;
  }

  private fillList(shown: Shown): void {
    this.objects = shown.objects;
    this.rows.clear();
    const t = this.texts;
    const rows = shown.objects.map((object) => {
      const { id } = object;
      const placed = shown.placed.has(id);
      const iou = shownIou(object);
      const text = `${oneLine(object.label)} ${id}`;
      const dot = element("span", { class: "dot" });
      dot.style.background = `rgb(${fitColour(iou).join(" ")})`;
      const doubts = placed ? this.doubts(object) : [];
      const name = element(
        "button",
        { class: "name", type: "button", title: [text, ...doubts].join("\n") },
        dot,
        element("span", { class: "label" }, element("span", {}, oneLine(object.label)), ` ${id}`),
        ...(placed && object.depth_off !== null ? [element("span", { class: "doubt", role: "img", "aria-label": doubts[0] }, "!")] : []),
        element("span", { class: "share" }, iou === null ? "" : percent(iou)),
      );
      const small = (kind: string, picture: IconName, tip: string, act: () => void) => {
        const made = element("button", { class: kind, type: "button", title: tip, "aria-label": `${text}: ${tip}` }, icon(picture));
        made.dataset["icon"] = picture;
        made.disabled = !placed;
        made.addEventListener("click", act);
        return made;
      };
      const row: Row = {
        row: element("div", { class: placed ? "row" : "row absent" }),
        name,
        eye: small("eye", "eye", t.hide, () => this.actions.eye(id)),
        solo: small("solo", "solo", t.solo, () => this.actions.solo(id)),
        lock: this.editable ? small("lock", "unlock", t.lock, () => this.actions.lock(id)) : null,
      };
      row.row.append(row.eye, row.solo, ...(row.lock ? [row.lock] : []), name);
      name.addEventListener("click", () => this.actions.select(id));
      row.row.addEventListener("pointerenter", () => this.actions.hover(id));
      row.row.addEventListener("pointerleave", () => this.actions.hover(null));
      row.row.addEventListener("focusin", () => this.actions.hover(id));
      row.row.addEventListener("focusout", () => this.actions.hover(null));
      row.row.addEventListener("keydown", (event) => this.rowKey(event, id, placed));
      this.rows.set(id, row);
      return row.row;
    });
    this.list.replaceChildren(...rows);
    this.roving();
  }

  /** One row can be reached with Tab, the others with the arrow keys. */
  private roving(to?: number): void {
    const first = to ?? this.rows.keys().next().value;
    for (const [id, row] of this.rows)
      for (const button of [row.name, row.eye, row.solo, row.lock]) if (button) button.tabIndex = id === first ? 0 : -1;
  }

  private rowKey(event: KeyboardEvent, id: number, placed: boolean): void {
    const ids = [...this.rows.keys()];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !event.shiftKey && !event.ctrlKey) {
      const next = ids[Math.min(Math.max(ids.indexOf(id) + step, 0), ids.length - 1)]!;
      this.roving(next);
      this.rows.get(next)!.name.focus();
    } else if (placed && event.key === "v") this.actions.eye(id);
    else if (placed && event.key === "s") this.actions.solo(id);
    else if (placed && event.key === "l" && this.editable) this.actions.lock(id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private group(label: string, buttons: HTMLButtonElement[]): HTMLElement {
    return element("div", { class: "group", role: "group", "aria-label": label }, ...buttons);
  }

  private button(name: string, face: string | Node, tip: string, act: () => void): HTMLButtonElement {
    const made = element("button", { type: "button", title: tip, "data-name": name }, face);
    if (typeof face !== "string") made.setAttribute("aria-label", tip);
    made.addEventListener("click", act);
    this.buttons.set(name, made);
    return made;
  }

  private toggle(name: string, face: string | Node, tip: string, act: (on: boolean) => void): HTMLButtonElement {
    const made = this.button(name, face, tip, () => act(made.getAttribute("aria-pressed") !== "true"));
    made.setAttribute("aria-pressed", "false");
    return made;
  }

  private choice(name: string, face: string, tip: string, act: () => void): HTMLButtonElement {
    const made = this.button(name, face, tip, act);
    made.setAttribute("role", "radio");
    made.setAttribute("aria-checked", "false");
    return made;
  }

  private press(name: string, on: boolean): void {
    this.buttons.get(name)?.setAttribute("aria-pressed", String(on));
  }

  private check(name: string, on: boolean): void {
    this.buttons.get(name)?.setAttribute("aria-checked", String(on));
  }

  private enable(name: string, on: boolean): void {
    const button = this.buttons.get(name);
    if (button) button.disabled = !on;
  }
}

function setPressed(button: HTMLButtonElement, on: boolean, picture?: IconName): void {
  button.setAttribute("aria-pressed", String(on));
  if (!picture || button.dataset["icon"] === picture) return;
  button.dataset["icon"] = picture;
  button.replaceChildren(icon(picture));
}

function rootActive(node: Node): Element | null {
  return (node.getRootNode() as ShadowRoot | Document).activeElement;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
