// The status on a node's face. Messages are text; commands in them can be copied with a click.

import { element, oneLine, shadowWith } from "../shared/dom.ts";
import { filled } from "../strip/words.ts";
import { clock, copied, piecesOf, secondsLeft, share, type Piece, type Report, type Running } from "./state.ts";
import css from "./status.css";
import type { StatusWords } from "./words.ts";

const MOST_NAMES = 3;
const MOST_LINES = 5;
const LONGEST = 1500;
const LONGEST_NAME = 40;
const TOLD_MS = 1500;
const GUESSED_LINE = 22;

export interface StatusSurroundings {
  words: StatusWords;
  /** Seconds of a clock that only goes forward. */
  now(): number;
  copy(text: string): Promise<void>;
  /** The face has another height, px. */
  resized(height: number): void;
}

export class StatusView {
  readonly host = document.createElement("div");
  private readonly all = element("div", { class: "all" });
  private running: Running | null = null;
  private since = 0;
  private report: Report | null = null;
  private files: { name: string; folder: string; url: string }[] = [];
  private problems: string[] = [];
  private how: "refused" | "failed" = "refused";
  private lacks = "";
  private stopped = "";
  private height = 0;

  constructor(private readonly around: StatusSurroundings) {
    this.host.className = "cast-status";
    this.host.setAttribute("role", "group");
    this.host.setAttribute("aria-label", around.words.status);
    shadowWith(this.host, css).append(this.all);
    // The wheel zooms the canvas unless a long message can be scrolled.
    this.host.addEventListener("wheel", (event) => {
      const message = (event.composedPath()[0] as HTMLElement).closest?.(".message");
      if (!event.ctrlKey && message && message.scrollHeight > message.clientHeight) event.stopPropagation();
    });
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  /** There is nothing to be seen. */
  get empty(): boolean {
    return !this.all.firstChild;
  }

  runs(running: Running): void {
    this.since = this.around.now() - running.seconds;
    this.running = running;
    this.problems = [];
    this.stopped = "";
    this.draw();
  }

  done(report: Report): void {
    this.running = null;
    this.report = report;
    this.problems = [];
    this.stopped = "";
    this.draw();
  }

  /** It has written files, which can be taken from the server. */
  wrote(files: { name: string; folder: string; url: string }[]): void {
    this.running = null;
    this.files = files;
    this.problems = [];
    this.draw();
  }

  /** Why it was not let run, or has failed while it did; [] for neither. */
  fails(problems: string[], how: "refused" | "failed" = "refused"): void {
    this.running = null;
    this.stopped = "";
    this.problems = problems;
    this.how = how;
    this.draw();
  }

  stops(): void {
    if (!this.running) return;
    this.stopped = filled(this.around.words.stopped, { time: clock(this.around.now() - this.since) });
    this.running = null;
    this.draw();
  }

  /** What the chosen backend lacks; "" for nothing. */
  needs(sentence: string): void {
    if (sentence === this.lacks) return;
    this.lacks = sentence;
    this.draw();
  }

  /** Shows the time that has passed. */
  tick(): void {
    if (this.running) this.draw();
  }

  private draw(): void {
    const { words } = this.around;
    const shown: HTMLElement[] = [];
    if (this.running) shown.push(...this.work(this.running));
    else {
      if (this.stopped) shown.push(element("div", { class: "line quiet" }, this.stopped));
      const bad = this.problems.length ? words[this.how] : words.notReady;
      const problems = this.problems.length ? this.problems : this.lacks ? [this.lacks] : [];
      shown.push(...problems.slice(0, MOST_LINES).map((told) => this.message("bad", bad, told)));
      if (!this.problems.length && this.report) shown.push(...this.result(this.report));
      if (!this.problems.length && this.files.length) shown.push(this.written());
    }
    this.all.replaceChildren(...shown);
    this.measure();
  }

  private work(running: Running): HTMLElement[] {
    const { words } = this.around;
    const elapsed = this.around.now() - this.since;
    const stage = words[running.stage as keyof StatusWords] ?? running.stage;
    const line = element("div", { class: "line", role: "status" }, element("span", { class: "strong" }, stage));
    const { download } = running;
    if (download) {
      const what = oneLine(download.what, 120);
      line.append(element("span", {}, filled(words.download, { ...download, what })));
    } else {
      const names = running.working.slice(0, MOST_NAMES).map((name) => oneLine(name, LONGEST_NAME));
      const more = running.working.length - names.length;
      if (more > 0) names.push(filled(words.more, { n: more }));
      if (names.length) line.append(element("span", {}, names.join(", ")));
      else if (running.label) line.append(element("span", {}, oneLine(running.label, LONGEST_NAME)));
      if (running.total > 1) {
        line.append(element("span", {}, filled(words.count, { done: running.done, total: running.total })));
      }
    }
    line.append(element("span", { class: "quiet" }, clock(elapsed)));
    const left = download ? null : secondsLeft(running, elapsed);
    if (left !== null) line.append(element("span", { class: "quiet" }, filled(words.left, { time: clock(left) })));
    const part = share(running);
    const bar = element("div", { class: part === null ? "bar unknown" : "bar" }, element("div"));
    if (part !== null) (bar.firstChild as HTMLElement).style.width = `${100 * part}%`;
    return [line, bar];
  }

  private result(report: Report): HTMLElement[] {
    const { words } = this.around;
    const [first, ...rest] = report.summary.split("\n");
    const line = element("div", { class: "line" }, element("span", { class: "strong" }, oneLine(first, 160)));
    if (report.seconds >= 1) line.append(element("span", { class: "quiet" }, clock(report.seconds)));
    if (report.cost && !report.summary.includes(report.cost)) {
      line.append(element("span", { class: "cost" }, oneLine(report.cost, 200)));
    }
    const shown: HTMLElement[] = [line];
    if (rest.length) shown.push(this.message("", "", rest.join("\n")));
    if (report.failures.length) shown.push(this.message("bad", words.failed, report.failures.join("\n")));
    if (report.warnings.length) shown.push(this.message("warn", words.warning, report.warnings.join("\n")));
    return shown;
  }

  /** The folder, and each file to be fetched. */
  private written(): HTMLElement {
    const { words } = this.around;
    const folder = element("span", { class: "strong" }, oneLine(this.files[0]!.folder, 160));
    const links = this.files.map(({ name, url }) => {
      const title = filled(words.fetch, { name: oneLine(name, 80) });
      return element("a", { href: url, download: name, title, class: "file" }, oneLine(name, 80));
    });
    return element("div", { class: "line" }, folder, ...links);
  }

  private message(kind: string, title: string, text: string): HTMLElement {
    const letters = Array.from(text);
    const plain = letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : text;
    const made = element("div", { class: `message ${kind}`, role: kind === "bad" ? "alert" : undefined });
    if (title) made.append(element("b", {}, title));
    made.append(...piecesOf(plain).map((piece) => this.piece(piece)));
    return made;
  }

  private piece(piece: Piece): Node {
    const { words } = this.around;
    if (piece.kind === "text") return document.createTextNode(piece.text);
    if (piece.kind === "link") {
      const title = filled(words.open, { text: piece.text });
      return element("a", { href: piece.text, target: "_blank", rel: "noopener noreferrer", title }, piece.text);
    }
    const title = filled(words.copy, { text: copied(piece) });
    const button = element("button", { type: "button", title, "aria-label": title }, piece.text);
    button.addEventListener("click", () => {
      void this.around.copy(copied(piece)).then(() => {
        button.classList.add("done");
        button.title = words.copied;
        setTimeout(() => {
          button.classList.remove("done");
          button.title = title;
        }, TOLD_MS);
      });
    });
    return button;
  }

  /** Tells the node how high the face is now that it is drawn. */
  measure(): void {
    // While ComfyUI hides the face (its node is out of sight) its height cannot be measured.
    const hidden = !this.host.getClientRects().length;
    const guess = this.height || this.all.childElementCount * GUESSED_LINE;
    const height = !this.all.firstChild ? 0 : hidden ? guess : this.all.offsetHeight;
    if (height === this.height) return;
    this.height = height;
    this.around.resized(height);
  }
}
