// The list of objects: number, name, delete or bring back. Names are text, never markup.

import { element, oneLine } from "../shared/dom.ts";
import { iconOf } from "./icons.ts";
import type { Action, Row } from "./state.ts";
import { objectColour } from "./view.ts";
import { filled, type Words } from "./words.ts";

/** Names are shown and typed up to this length; a longer one stays as it is until it is edited. */
const LONGEST_NAME = 120;

interface Line {
  row: Row;
  item: HTMLLIElement;
  swatch: HTMLElement;
  number: HTMLButtonElement;
  name: HTMLInputElement;
  reset: HTMLButtonElement;
  fate: HTMLButtonElement;
  note: HTMLElement;
}

export class ObjectList {
  readonly host: HTMLElement;
  private readonly items: HTMLUListElement;
  private readonly lines = new Map<number, Line>();

  constructor(private readonly words: Words, private readonly act: (action: Action) => void, private readonly back: () => void) {
    this.items = element("ul", { class: "cast-picker-list" });
    const fresh = () => {
      this.act({ do: "select", id: null });
      this.back();
    };
    this.host = element(
      "aside", { class: "cast-picker-side", "aria-label": words.objects },
      element("header", {}, element("span", {}, words.objects),
        element("button", { type: "button", title: words.newLong, onclick: fresh }, words.newObject)),
      this.items,
    );
  }

  show(rows: readonly Row[], selected: number | null): void {
    const wanted = new Set(rows.map(({ id }) => id));
    for (const [id, line] of this.lines)
      if (!wanted.has(id)) {
        line.item.remove();
        this.lines.delete(id);
      }
    rows.forEach((row, place) => {
      const line = this.lines.get(row.id) ?? this.newLine(row);
      this.update(line, row, row.id === selected);
      if (this.items.children[place] !== line.item) this.items.insertBefore(line.item, this.items.children[place] ?? null);
    });
  }

  private newLine(row: Row): Line {
    const { id } = row;
    const current = () => this.lines.get(id)?.row ?? row;
    const select = () => this.act({ do: "select", id });
    const button = (onclick: () => void) => element("button", { type: "button", onclick });
    const name = element("input", { type: "text", maxlength: LONGEST_NAME, spellcheck: "false", onfocus: select });
    const take = () => {
      if (name.value !== oneLine(current().label, LONGEST_NAME))
        this.act({ do: "rename", id, label: name.value, was: current().byHand ? "object" : this.found(current()) });
      name.value = oneLine(current().label, LONGEST_NAME);
    };
    name.addEventListener("change", take);
    name.addEventListener("keydown", (event) => {
      if (event.key === "Escape") name.value = oneLine(current().label, LONGEST_NAME);
      if (event.key === "Enter" || event.key === "Escape") this.back();
    });
    const made: Line = {
      row,
      item: element("li", {}),
      swatch: element("span", { class: "cast-picker-swatch" }),
      number: button(() => {
        select();
        this.back();
      }),
      name,
      reset: button(() => this.act({ do: "reset", id })),
      fate: button(() => this.act({ do: "keep", id, keep: !this.stays(current()), found: !current().byHand })),
      note: element("span", { class: "cast-picker-note" }),
    };
    made.number.className = "cast-picker-number";
    made.number.textContent = String(id);
    made.reset.append(iconOf("reset"));
    made.item.append(made.swatch, made.number, made.name, made.reset, made.fate, made.note);
    this.lines.set(id, made);
    return made;
  }

  /** Whether it can be deleted; what was made by hand and failed is not brought back, it goes. */
  private stays(row: Row): boolean {
    return row.keep || row.byHand;
  }

  /** The name that Detect gave, for which no edit is needed. */
  private found(row: Row): string {
    return row.edit.label === undefined ? row.label : "";
  }

  private update(line: Line, row: Row, selected: boolean): void {
    const { words } = this;
    line.row = row;
    const shown = oneLine(row.label, LONGEST_NAME);
    const object = `${shown} ${row.id}`;
    line.item.setAttribute("aria-current", String(selected));
    line.item.className = row.keep ? "" : "cast-picker-gone";
    line.swatch.style.background = row.keep ? objectColour(row.id) : "#9a9a9a";
    line.number.setAttribute("aria-label", object);
    if (line.name.ownerDocument.activeElement !== line.name) line.name.value = shown;
    line.name.setAttribute("aria-label", filled(words.name, { n: row.id }));
    line.name.disabled = !row.keep;
    const edited = Object.keys(row.edit).length > 0;
    label(line.reset, filled(words.reset, { object }));
    line.reset.hidden = !edited || row.byHand || !row.keep;
    const fate = this.stays(row) ? "remove" : "restore";
    label(line.fate, filled(words[fate], { object }));
    line.fate.replaceChildren(iconOf(fate));
    const note = [
      row.keep ? "" : row.edit.keep === false ? words.deleted : oneLine(row.reason),
      row.pending ? words.pending : "",
    ].filter(Boolean).join("; ");
    line.note.textContent = note;
    line.note.hidden = !note;
  }
}

function label(button: HTMLButtonElement, text: string): void {
  button.title = text;
  button.setAttribute("aria-label", text);
}
