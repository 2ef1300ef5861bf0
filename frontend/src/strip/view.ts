// The strip on the page: a row an object. Labels and reasons are text, never markup.

import { element, oneLine, shadowWith } from "../shared/dom.ts";
import { attempt, canLock, hold, lock, retry, unlock, type Written } from "./deeds.ts";
import type { LinkedNode, Makers } from "./makers.ts";
import { acceptance, accepted, PART_OF, TILES, type Part, type Review, type Row, type Strip, type Tile } from "./state.ts";
import css from "./strip.css";
import { filled, type Words } from "./words.ts";

/** What the strip needs of its surroundings. */
export interface Surroundings {
  words: Words;
  /** The nodes before the strip, as they are linked now. */
  makers(): Makers;
  /** Where a picture is served. */
  url(picture: Row["picture"]): string;
  review(): Review;
  keep(review: Review): void;
  /** Runs the graph. */
  run(): void;
  /** Brings a node into view. */
  show(node: LinkedNode): void;
}

const PART_WORD: Record<Part, "partView" | "partMesh" | "pose"> = { view: "partView", mesh: "partMesh", pose: "pose" };
const KEY_PART: Record<string, Part> = { v: "view", m: "mesh", p: "pose" };
const GRADES = ["good", "fair", "poor"] as const;
const SHORTEST_NAME = 60;

export class StripView {
  readonly host = document.createElement("div");
  private readonly root: ShadowRoot;
  private strip: Strip | null = null;
  private readonly busy = new Set<number>();
  private readonly large = new Set<number>();
  private hidesAccepted = false;
  private told: (Node | string)[] = [];

  constructor(private readonly around: Surroundings) {
    this.host.className = "cast-strip";
    this.root = shadowWith(this.host, css);
    // The canvas must not take keys and the wheel that belong to the strip.
    this.host.addEventListener("wheel", (event) => {
      const list = this.root.querySelector(".rows");
      if (!event.ctrlKey && list && list.scrollHeight > list.clientHeight) event.stopPropagation();
    });
    this.host.addEventListener("pointerenter", () => this.refresh());
    this.root.addEventListener("keydown", (event) => this.key(event as KeyboardEvent));
    this.draw();
  }

  /** Shows what a run has made. */
  show(strip: Strip): void {
    this.strip = strip;
    this.busy.clear();
    this.draw();
  }

  /** A run has ended without new rows. */
  ended(failed: boolean): void {
    if (!this.busy.size) return;
    this.busy.clear();
    this.told = [failed ? this.around.words.runFailed : ""];
    this.draw();
  }

  /** Draws anew where widgets elsewhere may have changed. */
  refresh(): void {
    if (this.strip && !this.root.activeElement) this.draw();
  }

  private name(row: Row): string {
    return `${oneLine(row.label, SHORTEST_NAME)} ${row.id}`;
  }

  private draw(): void {
    const { words } = this.around;
    const focus = (this.root.activeElement as HTMLElement | null)?.dataset.focus;
    const scrolled = this.root.querySelector(".rows")?.scrollTop ?? 0;
    for (const old of [...this.root.children]) if (old.tagName !== "STYLE") old.remove();
    if (!this.strip) {
      this.root.append(element("div", { class: "nothing" }, words.empty));
      return;
    }
    const makers = this.around.makers();
    const review = this.around.review();
    const { rows } = this.strip;
    const shown = rows.filter((row) => !this.hidesAccepted || acceptance(review, row) !== "yes");
    const list = element("div", { class: "rows", role: "list", "aria-label": words.strip });
    list.append(...shown.map((row) => this.row(row, makers, review)));
    if (!shown.length) list.append(element("div", { class: "nothing" }, rows.length ? words.allHidden : words.none));
    const heads = element("div", { class: "heads", "aria-hidden": "true" }, element("span"));
    heads.append(...TILES.map((tile) => element("span", {}, words[tile])), element("span"));
    this.root.append(this.top(rows, makers, review), heads, list, this.foot());
    list.scrollTop = scrolled;
    if (focus) this.root.querySelector<HTMLElement>(`[data-focus="${focus}"]`)?.focus();
  }

  private top(rows: Row[], makers: Makers, review: Review): HTMLElement {
    const { words } = this.around;
    const count = (text: string, n: number) => filled(text, { n });
    const fit = rows.filter((row) => row.grade === "good" && acceptance(review, row) !== "yes");
    const hides = element("input", { type: "checkbox", "data-focus": "hide", onchange: () => this.hideAccepted(hides.checked) });
    hides.checked = this.hidesAccepted;
    const yes = rows.filter((row) => acceptance(review, row) === "yes").length;
    const held = rows.filter((row) => hold(makers, row) === "all").length;
    const counts = [count(words.objects, rows.length), count(words.accepted, yes), ...(held ? [count(words.lockedCount, held)] : [])];
    return element(
      "div",
      { class: "top" },
      element("span", { class: "count" }, counts.join(" · ")),
      element("span", { class: "grow" }),
      element("label", { class: "check" }, hides, words.hideAccepted),
      element(
        "button",
        { type: "button", "data-focus": "good", disabled: !fit.length, onclick: () => this.acceptAll(fit) },
        words.acceptGood,
      ),
    );
  }

  private foot(): HTMLElement {
    const { words } = this.around;
    const dropped = (this.strip?.dropped ?? []).map((o) => `${oneLine(o.label, SHORTEST_NAME)} ${o.id} (${oneLine(o.reason, 80)})`);
    const told = element("div", { class: "told", role: "status" }, ...this.told);
    if (!this.told.length) {
      told.textContent = dropped.length ? filled(words.leftOut, { list: dropped.join(", ") }) : words.keys;
    }
    return told;
  }

  private row(row: Row, makers: Makers, review: Review): HTMLElement {
    const { words } = this.around;
    const name = this.name(row);
    const state = acceptance(review, row);
    const failed = Object.values(row.failures).length > 0;
    const made = element("div", {
      class: ["row", state === "yes" ? "accepted" : state, failed ? "failed" : "", this.busy.has(row.id) ? "busy" : "", this.large.has(row.id) ? "large" : ""].join(" "),
      role: "listitem",
      tabindex: 0,
      "aria-label": name,
      "data-focus": `row ${row.id}`,
      "data-id": row.id,
    });
    const text = element("div", { class: "name" }, element("div", { class: "label", title: oneLine(row.label, 2000) }, name));
    if (row.mesh) {
      const more = row.candidates > 1 ? filled(words.candidates, { name: oneLine(row.mesh, 60), n: row.candidates }) : oneLine(row.mesh, 60);
      text.append(element("div", { class: "small" }, more));
    }
    if (row.depth_off) {
      const told = filled(words.depthOff, { n: Math.round(100 * row.depth_off) });
      text.append(element("div", { class: "small" }, told));
    }
    if (row.ambiguous) text.append(element("div", { class: "small" }, words.ambiguous));
    for (const reason of Object.values(row.failures)) {
      const whole = filled(words.failed, { reason: oneLine(reason, 600) });
      text.append(element("div", { class: "reason", title: whole }, whole));
    }
    if (this.busy.has(row.id)) text.append(element("div", { class: "small" }, words.running));
    made.append(text, ...TILES.map((tile) => this.cell(row, tile, makers)), this.say(row, makers, review));
    return made;
  }

  private cell(row: Row, tile: Tile, makers: Makers): HTMLElement {
    const { words } = this.around;
    const made = element("div", { class: "cell" });
    if (row.tiles.includes(tile)) {
      const label = `${words[tile]}: ${filled(words.enlarge, { object: this.name(row) })}`;
      const picture = element("button", {
        type: "button", class: "tile", tabindex: -1, "aria-label": label, onclick: () => this.enlarge(row),
      });
      picture.style.backgroundImage = `url("${this.around.url(row.picture)}")`;
      picture.style.backgroundPosition = `${(100 * TILES.indexOf(tile)) / (TILES.length - 1)}% 0`;
      made.append(picture);
    } else {
      made.append(element("div", { class: "tile none", "aria-hidden": "true" }, "–"));
    }
    if (tile === "fit" && row.tiles.includes("fit")) made.append(...this.fit(row));
    const part = PART_OF[tile];
    if (part) made.append(this.again(row, part, makers));
    return made;
  }

  private fit(row: Row): HTMLElement[] {
    const { words } = this.around;
    const grade = GRADES.find((one) => one === row.grade);
    const word = grade ? words[grade] : words.unknown;
    const percent = row.iou === null ? null : Math.round(100 * row.iou);
    const bar = element("div", { class: `bar ${grade ?? ""}` }, element("div"));
    (bar.firstChild as HTMLElement).style.width = `${percent ?? 0}%`;
    const told = filled(words.overlap, { n: percent ?? "?", grade: word });
    const number = element(
      "div",
      { class: "number", title: told, "aria-label": told },
      element("span", {}, percent === null ? "–" : `${percent} %`),
      element("span", {}, word),
    );
    return [number, bar];
  }

  private again(row: Row, part: Part, makers: Makers): HTMLElement {
    const { words } = this.around;
    const maker = makers[part];
    const values = { part: words[PART_WORD[part]], object: this.name(row) };
    const n = attempt(makers, part, row.id);
    const locked = hold(makers, row) !== "none";
    let title = filled(words.retry, { ...values, n: n + 2 });
    if (!("node" in maker)) title = filled(words[maker.reason], { ...values, title: oneLine(maker.title, 60) });
    else if (locked) title = filled(words.locked, values);
    const usable = "node" in maker && !locked;
    const again = element(
      "button",
      {
        type: "button", class: `retry ${part}`, title, "aria-label": title, disabled: !usable, "data-focus": `${part} ${row.id}`,
        onclick: (event: Event) => this.retry(row, part, 1, (event as MouseEvent).shiftKey),
      },
      n ? `↻ ${n + 1}` : "↻",
    );
    const made = element("div", { class: "again" }, again);
    if (n && usable) {
      const back = filled(words.back, { ...values, n });
      made.prepend(
        element(
          "button",
          {
            type: "button", class: `back ${part}`, title: back, "aria-label": back, "data-focus": `back ${part} ${row.id}`,
            onclick: (event: Event) => this.retry(row, part, -1, (event as MouseEvent).shiftKey),
          },
          "↶",
        ),
      );
    }
    return made;
  }

  private say(row: Row, makers: Makers, review: Review): HTMLElement {
    const { words } = this.around;
    const object = this.name(row);
    const state = acceptance(review, row);
    const yes = state === "yes";
    const long = state === "yes" ? words.acceptedLong : state === "changed" ? words.changedLong : words.acceptLong;
    const held = hold(makers, row);
    const able = canLock(makers, row);
    const lockWord = held === "all" ? words.unlock : held === "part" ? words.partly : words.lock;
    const lockLong = !able ? words.noLock : held === "all" ? words.unlockLong : held === "part" ? words.partlyLong : words.lockLong;
    return element(
      "div",
      { class: "say" },
      element(
        "button",
        {
          type: "button", class: `accept ${state}`, "aria-pressed": String(yes), title: filled(long, { object }),
          "data-focus": `accept ${row.id}`, onclick: () => this.accept(row),
        },
        `✓ ${state === "changed" ? words.changed : words.accept}`,
      ),
      element(
        "button",
        {
          type: "button", class: `lock ${held}`, "aria-pressed": String(held === "all"), title: filled(lockLong, { object }),
          disabled: !able, "data-focus": `lock ${row.id}`, onclick: () => this.lock(row),
        },
        lockWord,
      ),
    );
  }

  // What the user does.

  private retry(row: Row, part: Part, by: 1 | -1, later: boolean): void {
    const makers = this.around.makers();
    if (hold(makers, row) !== "none") return;
    const written = retry(makers, part, row.id, by);
    if (!written) return;
    const { words } = this.around;
    this.tell([written], later ? words.wroteLater : words.wroteRuns, row);
    if (!later) this.busy.add(row.id);
    this.draw();
    if (!later) this.around.run();
  }

  private accept(row: Row): void {
    const review = this.around.review();
    this.around.keep(accepted(review, row, acceptance(review, row) !== "yes"));
    this.draw();
  }

  private acceptAll(rows: Row[]): void {
    this.around.keep(rows.reduce((review, row) => accepted(review, row, true), this.around.review()));
    this.draw();
  }

  private lock(row: Row): void {
    const makers = this.around.makers();
    if (!canLock(makers, row)) return;
    const change = hold(makers, row) === "all" ? unlock : lock;
    const { written, review } = change(makers, row, this.around.review());
    this.around.keep(review);
    this.tell(written, this.around.words.wrote, row);
    this.draw();
  }

  private enlarge(row: Row): void {
    if (!this.large.delete(row.id)) this.large.add(row.id);
    this.draw();
  }

  private hideAccepted(yes: boolean): void {
    this.hidesAccepted = yes;
    this.draw();
  }

  /** The line below: which widgets were written, each a way to its node. */
  private tell(written: Written[], text: string, row: Row): void {
    const { words } = this.around;
    if (!written.length) {
      this.told = [words.nothing];
      return;
    }
    const [before, after] = filled(text, { object: this.name(row) }).split("{places}");
    const places = written.flatMap(({ node, widget }, index) => [
      index ? ", " : "",
      element(
        "button",
        { type: "button", title: words.show, onclick: () => this.around.show(node) },
        `${oneLine(node.title, 40)} #${node.id}: ${widget}`,
      ),
    ]);
    this.told = [before ?? "", ...places, after ?? ""];
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = (event.target as HTMLElement).closest?.<HTMLElement>(".row");
    const row = this.strip?.rows.find((one) => String(one.id) === at?.dataset.id);
    const key = event.key.toLowerCase();
    const part = KEY_PART[key];
    if (["enter", " ", "tab", "escape"].includes(key)) {
      event.stopPropagation();
      return;
    }
    if (!row || !at) return;
    if (key === "arrowdown" || key === "arrowup") {
      const next = key === "arrowdown" ? at.nextElementSibling : at.previousElementSibling;
      (next as HTMLElement | null)?.focus();
    } else if (part) this.retry(row, part, 1, event.shiftKey);
    else if (key === "a") this.accept(row);
    else if (key === "l") this.lock(row);
    else if (key === "z") this.enlarge(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
