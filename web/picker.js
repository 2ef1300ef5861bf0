// Built from frontend/src by `make web`; change it there.

// src/picker.ts
import { app } from "../../scripts/app.js";

// src/shared/comfyui.ts
function fileURL(api, file) {
  const query = new URLSearchParams({
    filename: file.filename,
    subfolder: file.subfolder,
    type: file.type
  });
  return api.apiURL(`/view?${query}`);
}
function widgetOf(node, name2) {
  return node.widgets?.find((widget) => widget.name === name2);
}

// src/shared/dom.ts
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name2, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name2.replace(/^on/, ""), value);
    else if (value === true) made.setAttribute(name2, "");
    else if (value !== void 0 && value !== false) made.setAttribute(name2, String(value));
  }
  made.append(...children);
  return made;
}
var LONGEST_TEXT = 200;
function oneLine(text, longest = LONGEST_TEXT) {
  const plain = String(text ?? "").replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
  const letters = Array.from(plain);
  return letters.length > longest ? `${letters.slice(0, longest).join("")}…` : plain;
}

// src/picker/edits.ts
var NO_EDITS = { photo: null, objects: /* @__PURE__ */ new Map() };
var BY_HAND_FROM = 100;
var isNumber = (value) => typeof value === "number" && Number.isFinite(value);
var areNumbers = (value, count) => Array.isArray(value) && value.length === count && value.every(isNumber);
function readStroke(value) {
  if (typeof value !== "object" || value === null) return null;
  const { add, erase, path } = value;
  const radius = isNumber(add) ? add : erase;
  if (!isNumber(radius) || !Array.isArray(path)) return null;
  const points = path.filter((p) => areNumbers(p, 2));
  return points.length ? { adds: isNumber(add), radius, path: points } : null;
}
function readEdit(value) {
  if (typeof value !== "object" || value === null) return null;
  const { label: label2, keep, box, points, brush } = value;
  const edit = {};
  if (typeof label2 === "string" && label2) edit.label = label2;
  if (typeof keep === "boolean") edit.keep = keep;
  if (areNumbers(box, 4)) edit.box = box;
  if (Array.isArray(points)) {
    const clicks = points.filter((p) => areNumbers(p, 3) && Math.abs(p[2] ?? 0) === 1);
    if (clicks.length) edit.points = clicks;
  }
  if (Array.isArray(brush)) {
    const strokes = brush.map(readStroke).filter((s) => s !== null);
    if (strokes.length) edit.strokes = strokes;
  }
  return edit;
}
function readEdits(text) {
  if (typeof text !== "string" || !text.trim()) return NO_EDITS;
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { photo, objects } = value;
  const found = /* @__PURE__ */ new Map();
  if (typeof objects === "object" && objects !== null)
    for (const [name2, entry] of Object.entries(objects)) {
      const edit = /^\d{1,6}$/.test(name2) ? readEdit(entry) : null;
      if (edit) found.set(Number(name2), edit);
    }
  return { photo: areNumbers(photo, 2) ? [photo[0], photo[1]] : null, objects: found };
}
var round = (value) => Math.round(value * 10) / 10;
function editJson(edit) {
  const out = {};
  if (edit.label) out.label = edit.label;
  if (edit.keep !== void 0) out.keep = edit.keep;
  if (edit.box) out.box = edit.box.map(round);
  if (edit.points?.length) out.points = edit.points.map(([x, y, sign]) => [round(x), round(y), sign]);
  if (edit.strokes?.length)
    out.brush = edit.strokes.map(({ adds, radius, path }) => ({
      [adds ? "add" : "erase"]: round(radius),
      path: path.map((p) => p.map(round))
    }));
  return out;
}
var isEmpty = (edit) => Object.keys(editJson(edit)).length === 0;
function writeEdits({ photo, objects }) {
  const entries = [...objects].filter(([, edit]) => !isEmpty(edit)).sort(([a], [b]) => a - b);
  if (!entries.length) return "";
  const written2 = Object.fromEntries(entries.map(([id, edit]) => [String(id), editJson(edit)]));
  return JSON.stringify(photo ? { photo, objects: written2 } : { objects: written2 });
}
function simplified(path, tolerance) {
  if (path.length < 3) return [...path];
  const keep = /* @__PURE__ */ new Set([0, path.length - 1]);
  const open = [[0, path.length - 1]];
  for (let span = open.pop(); span; span = open.pop()) {
    const [first, last] = span;
    const [a, b] = [path[first], path[last]];
    const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    const length = dx * dx + dy * dy;
    let [farthest, distance] = [-1, tolerance];
    for (let i = first + 1; i < last; i++) {
      const [x, y] = [path[i][0] - a[0], path[i][1] - a[1]];
      const along = length ? Math.min(1, Math.max(0, (x * dx + y * dy) / length)) : 0;
      const apart = Math.hypot(x - along * dx, y - along * dy);
      if (apart > distance) [farthest, distance] = [i, apart];
    }
    if (farthest > 0) {
      keep.add(farthest);
      open.push([first, farthest], [farthest, last]);
    }
  }
  return path.filter((_, i) => keep.has(i));
}

// src/picker/icons.ts
var PATHS = {
  select: "M3.5 2v10.5l3-2.7 1.9 4 1.8-.8-1.9-3.9h4Z",
  box: "M2.5 3.5h11v9h-11Z",
  plus: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 5v6M5 8h6",
  minus: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM5 8h6",
  paint: "M13.5 2.5 7 9M7 9c-1.7-.6-3 .4-3.2 2-.1 1.2-.9 1.9-1.8 2.3 2.6.8 5.3.2 5.9-1.8C8.3 10.5 8 9.5 7 9Z",
  erase: "M6.5 13.5 2.5 9.5 9 3l4.5 4.5-6 6ZM5.5 6.5l4.5 4.5M6.5 13.5h7",
  undo: "M5.5 3 2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H6",
  redo: "M10.5 3l3 3-3 3M13.5 6H6a3.5 3.5 0 0 0 0 7h4",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  clear: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4",
  remove: "M4 4l8 8M12 4l-8 8",
  restore: "M3 8a5 5 0 1 0 1.5-3.5M3 2.5v3h3",
  reset: "M3 8a5 5 0 1 0 1.5-3.5M3 2.5v3h3"
};
function iconOf(name2) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const attributes = { viewBox: "0 0 16 16", width: "15", height: "15", fill: "none", stroke: "currentColor", "stroke-width": "1.4", "stroke-linejoin": "round", "stroke-linecap": "round", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name2]);
  svg.append(path);
  return svg;
}

// src/picker/view.ts
var MARGIN = 6;
var MOST = 24;
function fit([width, height], [across, down]) {
  const scale = Math.max(1e-3, Math.min((across - 2 * MARGIN) / width, (down - 2 * MARGIN) / height));
  return { scale, x: (across - scale * width) / 2, y: (down - scale * height) / 2 };
}
var toPhoto = (view, [x, y]) => [(x - view.x) / view.scale, (y - view.y) / view.scale];
var toCanvas = (view, [x, y]) => [x * view.scale + view.x, y * view.scale + view.y];
function zoomed(view, factor, about, photo, canvas) {
  const least = fit(photo, canvas).scale / 2;
  const scale = Math.min(MOST, Math.max(least, view.scale * factor));
  const [x, y] = toPhoto(view, about);
  return kept({ scale, x: about[0] - x * scale, y: about[1] - y * scale }, photo, canvas);
}
function panned(view, [dx, dy], photo, canvas) {
  return kept({ ...view, x: view.x + dx, y: view.y + dy }, photo, canvas);
}
function kept(view, photo, canvas) {
  const inside2 = (at, length, room) => Math.min(room - 24, Math.max(24 - length * view.scale, at));
  return { ...view, x: inside2(view.x, photo[0], canvas[0]), y: inside2(view.y, photo[1], canvas[1]) };
}
function inside(outlines, [px, py]) {
  let odd = false;
  for (const line2 of outlines)
    for (let i = 0, j = line2.length - 2; i < line2.length; j = i, i += 2) {
      const [x0, y0, x1, y1] = [line2[i], line2[i + 1], line2[j], line2[j + 1]];
      if (y0 > py !== y1 > py && px < (x1 - x0) * (py - y0) / (y1 - y0) + x0) odd = !odd;
    }
  return odd;
}
var inBox = (box, [x, y]) => box !== null && x >= box[0] && y >= box[1] && x <= box[2] && y <= box[3];
function objectColour(id) {
  const hue = (0.02 + id * 0.6180339887498949) % 1;
  const light = [50, 60, 42][Math.floor(id / 5) % 3];
  return `hsl(${(hue * 360).toFixed(1)} 85% ${light}%)`;
}

// src/picker/words.ts
var EN = {
  picker: "Object picker",
  canvas: "Photo. Arrow keys move the cross or the selected box, Enter uses the tool.",
  select: "Select (V): click an object; drag its box or a corner of it; drag elsewhere to move the photo",
  box: "Box (B): drag a box round a thing",
  plus: "Point on it (P): this belongs to the selected object; with none selected it finds the thing there",
  minus: "Point beside it (N): this does not belong to the selected object; click a point again to remove it",
  paint: "Brush (D): paint what belongs to the selected object",
  erase: "Eraser (E): wipe away what does not",
  size: "Brush size ([ and ])",
  undo: "Undo (Ctrl+Z)",
  redo: "Redo (Ctrl+Shift+Z)",
  fit: "Whole photo (F); the wheel zooms, the middle button moves",
  clear: "Remove all edits",
  run: "Update",
  runLong: "Work out the masks: runs this node and what it needs, nothing behind it",
  auto: "Always",
  autoLong: "Update after every edit",
  objects: "Objects",
  newObject: "New object",
  newLong: "Select none, so that the next box, point or stroke makes a new object (Escape)",
  name: "Name of object {n}",
  remove: "Delete {object} (Delete)",
  restore: "Bring {object} back",
  reset: "Remove the edits of {object}",
  deleted: "deleted",
  pending: "edited, not yet worked out",
  byHand: "by hand",
  noPhoto: "Connect objects or an image; the photo shows after the first run, or at once from a Load Image.",
  photoFailed: "The photo could not be loaded.",
  otherPhoto: "These edits were drawn on a photo of {a}; this one is {b}.",
  startAgain: "Remove the edits",
  unreadable: "The edits of this workflow cannot be read. They are left as they are until you remove them.",
  none: "Nothing yet: draw a box round a thing.",
  selectFirst: "Select an object first: a point beside it and the eraser need one.",
  failed: "The run failed: {why}"
};
var ZH = {
  picker: "物体拾取",
  canvas: "照片。方向键移动十字或选中的框，Enter 使用当前工具。",
  select: "选择 (V)：点选物体；拖动它的框或框角；在别处拖动可移动照片",
  box: "框 (B)：在物体四周拖出一个框",
  plus: "正点 (P)：此处属于选中的物体；未选中时在此处寻找物体",
  minus: "负点 (N)：此处不属于选中的物体；再次点击可删除该点",
  paint: "画笔 (D)：涂出属于选中物体的部分",
  erase: "橡皮 (E)：擦去不属于它的部分",
  size: "画笔大小（[ 和 ]）",
  undo: "撤销 (Ctrl+Z)",
  redo: "重做 (Ctrl+Shift+Z)",
  fit: "整张照片 (F)；滚轮缩放，中键移动",
  clear: "删除全部修改",
  run: "更新",
  runLong: "计算遮罩：只运行本节点及其所需的节点，不运行后面的节点",
  auto: "自动",
  autoLong: "每次修改后自动更新",
  objects: "物体",
  newObject: "新物体",
  newLong: "取消选择，下一个框、点或笔画将建立新物体 (Escape)",
  name: "物体 {n} 的名称",
  remove: "删除 {object} (Delete)",
  restore: "恢复 {object}",
  reset: "删除 {object} 的修改",
  deleted: "已删除",
  pending: "已修改，尚未计算",
  byHand: "手工",
  noPhoto: "请连接物体或图像；首次运行后显示照片，连接“加载图像”时立即显示。",
  photoFailed: "无法加载照片。",
  otherPhoto: "这些修改是在 {a} 的照片上画的，而这张是 {b}。",
  startAgain: "删除修改",
  unreadable: "无法读取此工作流中的修改。在您删除之前，它们保持不变。",
  none: "还没有物体：在物体四周画一个框。",
  selectFirst: "请先选择一个物体：负点和橡皮需要它。",
  failed: "运行失败：{why}"
};
var wordsFor = (language) => String(language).startsWith("zh") ? ZH : EN;
var filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole2, name2) => String(values[name2] ?? whole2));

// src/picker/list.ts
var LONGEST_NAME = 120;
var ObjectList = class {
  constructor(words, act, back) {
    this.words = words;
    this.act = act;
    this.back = back;
    this.items = element("ul", { class: "cast-picker-list" });
    const fresh = () => {
      this.act({ do: "select", id: null });
      this.back();
    };
    this.host = element(
      "aside",
      { class: "cast-picker-side", "aria-label": words.objects },
      element(
        "header",
        {},
        element("span", {}, words.objects),
        element("button", { type: "button", title: words.newLong, onclick: fresh }, words.newObject)
      ),
      this.items
    );
  }
  words;
  act;
  back;
  host;
  items;
  lines = /* @__PURE__ */ new Map();
  show(rows2, selected) {
    const wanted = new Set(rows2.map(({ id }) => id));
    for (const [id, line2] of this.lines)
      if (!wanted.has(id)) {
        line2.item.remove();
        this.lines.delete(id);
      }
    rows2.forEach((row, place) => {
      const line2 = this.lines.get(row.id) ?? this.newLine(row);
      this.update(line2, row, row.id === selected);
      if (this.items.children[place] !== line2.item) this.items.insertBefore(line2.item, this.items.children[place] ?? null);
    });
  }
  newLine(row) {
    const { id } = row;
    const current = () => this.lines.get(id)?.row ?? row;
    const select = () => this.act({ do: "select", id });
    const button = (onclick) => element("button", { type: "button", onclick });
    const name2 = element("input", { type: "text", maxlength: LONGEST_NAME, spellcheck: "false", onfocus: select });
    const take = () => {
      if (name2.value !== oneLine(current().label, LONGEST_NAME))
        this.act({ do: "rename", id, label: name2.value, was: current().byHand ? "object" : this.found(current()) });
      name2.value = oneLine(current().label, LONGEST_NAME);
    };
    name2.addEventListener("change", take);
    name2.addEventListener("keydown", (event) => {
      if (event.key === "Escape") name2.value = oneLine(current().label, LONGEST_NAME);
      if (event.key === "Enter" || event.key === "Escape") this.back();
    });
    const made = {
      row,
      item: element("li", {}),
      swatch: element("span", { class: "cast-picker-swatch" }),
      number: button(() => {
        select();
        this.back();
      }),
      name: name2,
      reset: button(() => this.act({ do: "reset", id })),
      fate: button(() => this.act({ do: "keep", id, keep: !this.stays(current()), found: !current().byHand })),
      note: element("span", { class: "cast-picker-note" })
    };
    made.number.className = "cast-picker-number";
    made.number.textContent = String(id);
    made.reset.append(iconOf("reset"));
    made.item.append(made.swatch, made.number, made.name, made.reset, made.fate, made.note);
    this.lines.set(id, made);
    return made;
  }
  /** Whether it can be deleted; what was made by hand and failed is not brought back, it goes. */
  stays(row) {
    return row.keep || row.byHand;
  }
  /** The name that Detect gave, for which no edit is needed. */
  found(row) {
    return row.edit.label === void 0 ? row.label : "";
  }
  update(line2, row, selected) {
    const { words } = this;
    line2.row = row;
    const shown = oneLine(row.label, LONGEST_NAME);
    const object = `${shown} ${row.id}`;
    line2.item.setAttribute("aria-current", String(selected));
    line2.item.className = row.keep ? "" : "cast-picker-gone";
    line2.swatch.style.background = row.keep ? objectColour(row.id) : "#9a9a9a";
    line2.number.setAttribute("aria-label", object);
    if (line2.name.ownerDocument.activeElement !== line2.name) line2.name.value = shown;
    line2.name.setAttribute("aria-label", filled(words.name, { n: row.id }));
    line2.name.disabled = !row.keep;
    const edited = Object.keys(row.edit).length > 0;
    label(line2.reset, filled(words.reset, { object }));
    line2.reset.hidden = !edited || row.byHand || !row.keep;
    const fate = this.stays(row) ? "remove" : "restore";
    label(line2.fate, filled(words[fate], { object }));
    line2.fate.replaceChildren(iconOf(fate));
    const note = [
      row.keep ? "" : row.edit.keep === false ? words.deleted : oneLine(row.reason),
      row.pending ? words.pending : ""
    ].filter(Boolean).join("; ");
    line2.note.textContent = note;
    line2.note.hidden = !note;
  }
};
function label(button, text) {
  button.title = text;
  button.setAttribute("aria-label", text);
}

// src/picker/picker.css
var picker_default = '.cast-picker {\n  display: flex;\n  flex-direction: column;\n  width: 100%;\n  height: 100%;\n  min-height: 0;\n  box-sizing: border-box;\n  overflow: hidden;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 6px;\n  background: var(--comfy-menu-bg, #353535);\n  color: var(--fg-color, #ddd);\n  font: 12px/1.35 system-ui, sans-serif;\n  user-select: none;\n}\n.cast-picker *,\n.cast-picker-root * {\n  box-sizing: border-box;\n}\n.cast-picker [hidden] {\n  display: none !important;\n}\n.cast-picker-bar {\n  display: flex;\n  flex-wrap: wrap;\n  align-items: center;\n  gap: 4px 8px;\n  padding: 4px;\n  border-bottom: 1px solid var(--border-color, #4e4e4e);\n}\n.cast-picker-group {\n  display: flex;\n  align-items: center;\n  gap: 2px;\n}\n.cast-picker button {\n  display: inline-flex;\n  align-items: center;\n  justify-content: center;\n  min-width: 24px;\n  min-height: 24px;\n  padding: 1px 5px;\n  border: 1px solid var(--border-color, #4e4e4e);\n  border-radius: 4px;\n  background: var(--comfy-input-bg, #222);\n  color: var(--input-text, #ddd);\n  font: inherit;\n  cursor: pointer;\n}\n.cast-picker button:hover:not(:disabled) {\n  border-color: var(--input-text, #ddd);\n}\n.cast-picker button:disabled {\n  opacity: 0.4;\n  cursor: default;\n}\n.cast-picker button[aria-pressed="true"] {\n  background: #2f6fc0;\n  border-color: #2f6fc0;\n  color: #fff;\n}\n.cast-picker button.cast-picker-run {\n  padding: 1px 10px;\n  font-weight: 600;\n}\n.cast-picker button.cast-picker-due {\n  background: #2f6fc0;\n  border-color: #2f6fc0;\n  color: #fff;\n}\n.cast-picker :focus-visible {\n  outline: 2px solid #3b8eea;\n  outline-offset: 1px;\n}\n.cast-picker-bar label {\n  display: inline-flex;\n  align-items: center;\n  gap: 3px;\n}\n.cast-picker-size {\n  width: 72px;\n}\n.cast-picker-body {\n  display: flex;\n  flex: 1;\n  min-height: 0;\n}\n.cast-picker-stage {\n  position: relative;\n  flex: 1;\n  min-width: 0;\n  background: var(--comfy-input-bg, #222);\n  overflow: hidden;\n}\n.cast-picker-canvas {\n  position: absolute;\n  inset: 0;\n  width: 100%;\n  height: 100%;\n  touch-action: none;\n}\n.cast-picker-keys {\n  position: absolute;\n  inset: 0;\n  width: 100%;\n  height: 100%;\n  margin: 0;\n  padding: 0;\n  border: 0;\n  background: transparent;\n  color: transparent;\n  caret-color: transparent;\n  pointer-events: none;\n}\n.cast-picker .cast-picker-keys:focus-visible {\n  outline-offset: -2px;\n}\n.cast-picker-hint {\n  position: absolute;\n  inset: auto 8px 8px 8px;\n  padding: 6px 8px;\n  border-radius: 4px;\n  background: rgb(0 0 0 / 72%);\n  color: #fff;\n  text-align: center;\n}\n.cast-picker-hint button {\n  margin-inline-start: 8px;\n}\n.cast-picker-side {\n  display: flex;\n  flex-direction: column;\n  width: 200px;\n  min-height: 0;\n  border-inline-start: 1px solid var(--border-color, #4e4e4e);\n}\n.cast-picker-side header {\n  display: flex;\n  align-items: center;\n  justify-content: space-between;\n  padding: 4px 6px;\n}\n.cast-picker-list {\n  flex: 1;\n  min-height: 0;\n  margin: 0;\n  padding: 0;\n  list-style: none;\n  overflow-y: auto;\n}\n.cast-picker-list li {\n  display: grid;\n  grid-template-columns: 10px auto 1fr auto auto;\n  align-items: center;\n  gap: 4px;\n  padding: 2px 4px 2px 6px;\n  border-inline-start: 3px solid transparent;\n}\n.cast-picker-list li[aria-current="true"] {\n  border-inline-start-color: #3b8eea;\n  background: var(--comfy-input-bg, #222);\n}\n.cast-picker-swatch {\n  width: 10px;\n  height: 10px;\n  border-radius: 50%;\n}\n.cast-picker-list button.cast-picker-number {\n  min-width: 28px;\n  border-color: transparent;\n  background: transparent;\n}\n.cast-picker-list input {\n  width: 100%;\n  min-width: 0;\n  height: 24px;\n  padding: 1px 4px;\n  border: 1px solid transparent;\n  border-radius: 3px;\n  background: transparent;\n  color: var(--input-text, #ddd);\n  font: inherit;\n  user-select: text;\n}\n.cast-picker-list input:hover,\n.cast-picker-list input:focus {\n  border-color: var(--border-color, #4e4e4e);\n  background: var(--comfy-input-bg, #222);\n}\n.cast-picker-gone input {\n  text-decoration: line-through;\n  opacity: 0.6;\n}\n.cast-picker-note {\n  grid-column: 3 / -1;\n  color: var(--descrip-text, #999);\n  font-size: 11px;\n  overflow-wrap: anywhere;\n}\n';

// src/picker/paint.ts
var DROPPED = "#9a9a9a";
var ADD = "rgb(64 200 96 / 55%)";
var ERASE = "rgb(220 60 50 / 55%)";
var NAME_LETTERS = 28;
var REACH_PX = 9;
function paint(canvas, view, picture, pixelRatio) {
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
function outline(canvas, view, row, chosen) {
  if (!row.outlines.length) return;
  const colour = row.keep ? objectColour(row.id) : DROPPED;
  canvas.beginPath();
  for (const points of row.outlines) {
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = toCanvas(view, [points[i], points[i + 1]]);
      if (i) canvas.lineTo(x, y);
      else canvas.moveTo(x, y);
    }
    canvas.closePath();
  }
  canvas.save();
  canvas.fillStyle = colour;
  canvas.globalAlpha = row.keep ? chosen ? 0.42 : 0.28 : 0;
  canvas.fill("evenodd");
  canvas.globalAlpha = row.keep ? 1 : 0.6;
  if (chosen) stroked(canvas, "#fff", 4);
  if (!row.keep) canvas.setLineDash([4, 4]);
  stroked(canvas, colour, chosen ? 2 : 1.5);
  canvas.restore();
}
function stroked(canvas, colour, width) {
  canvas.strokeStyle = colour;
  canvas.lineWidth = width;
  canvas.stroke();
}
function frame(canvas, view, box, colour, dashed) {
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
function marks(canvas, view, row, chosen) {
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
var corners = ([a, b, c, d]) => [[a, b], [c, b], [c, d], [a, d]];
function point(canvas, view, [px, py, sign], chosen) {
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
function line(canvas, view, stroke) {
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
function ring(canvas, [x, y], radius) {
  canvas.beginPath();
  canvas.arc(x, y, radius, 0, 2 * Math.PI);
  stroked(canvas, "rgb(0 0 0 / 70%)", 2.5);
  stroked(canvas, "#fff", 1);
}
function cross(canvas, [x, y]) {
  canvas.beginPath();
  canvas.moveTo(x - 12, y);
  canvas.lineTo(x + 12, y);
  canvas.moveTo(x, y - 12);
  canvas.lineTo(x, y + 12);
  stroked(canvas, "#000", 3);
  stroked(canvas, "#fff", 1.2);
}
function name(canvas, view, row, chosen) {
  const box = row.edit.box ?? row.box;
  const first = row.edit.points?.[0];
  const at = box ? [box[0], box[1]] : first ? [first[0], first[1]] : null;
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

// src/picker/state.ts
var NOTHING = { edits: NO_EDITS, selected: null, past: [], future: [], last: "" };
var MOST_STEPS = 200;
function fittedBox([a, b, c, d], [width, height]) {
  const box = [
    Math.max(0, Math.min(a, c)),
    Math.max(0, Math.min(b, d)),
    Math.min(width, Math.max(a, c)),
    Math.min(height, Math.max(b, d))
  ];
  return box[2] - box[0] >= 2 && box[3] - box[1] >= 2 ? box : null;
}
function movedBox(box, [dx, dy], [width, height], resize = false) {
  if (resize)
    return [
      box[0],
      box[1],
      Math.min(width, Math.max(box[0] + 2, box[2] + dx)),
      Math.min(height, Math.max(box[1] + 2, box[3] + dy))
    ];
  const x = Math.min(width - box[2], Math.max(-box[0], dx));
  const y = Math.min(height - box[3], Math.max(-box[1], dy));
  return [box[0] + x, box[1] + y, box[2] + x, box[3] + y];
}
function freeId(known, edits) {
  const taken = /* @__PURE__ */ new Set([...known, ...edits.objects.keys()]);
  let id = BY_HAND_FROM;
  while (taken.has(id)) id++;
  return id;
}
function withEdit(state, id, edit, photo, what) {
  const objects = new Map(state.edits.objects);
  if (isEmpty(edit)) objects.delete(id);
  else objects.set(id, edit);
  const edits = { photo: state.edits.photo ?? photo, objects };
  const joined = what !== "" && what === state.last;
  const past = joined ? state.past : [...state.past, state.edits].slice(-MOST_STEPS);
  return { edits, selected: id, past, future: [], last: what };
}
var editOf = (state, id) => state.edits.objects.get(id) ?? {};
function drawn(state, id, known, photo, change, what = "") {
  const target = id ?? freeId(known, state.edits);
  const edit = change(editOf(state, target));
  if (edit.keep === false) delete edit.keep;
  return withEdit(state, target, edit, photo, what);
}
function travel(state, edits, past, future) {
  return { ...state, edits, past, future, last: "" };
}
function picked(state, action) {
  switch (action.do) {
    case "load":
      return { ...NOTHING, edits: action.edits };
    case "select":
      return state.selected === action.id ? state : { ...state, selected: action.id, last: "" };
    case "rename": {
      const edit = { ...editOf(state, action.id) };
      const label2 = action.label.trim();
      if (label2 && label2 !== action.was) edit.label = label2;
      else delete edit.label;
      if (edit.label === editOf(state, action.id).label) return state;
      return withEdit(state, action.id, edit, null, "");
    }
    case "keep": {
      if (action.keep || action.found) {
        const edit = { ...editOf(state, action.id), keep: action.keep };
        return withEdit(state, action.id, edit, null, "");
      }
      return { ...withEdit(state, action.id, {}, null, ""), selected: null };
    }
    case "box": {
      const box = fittedBox(action.box, action.photo);
      if (!box) return state;
      const what = action.id === null ? "" : `box ${action.id}`;
      const change = (edit) => ({ ...edit, box });
      return drawn(state, action.id, action.known, action.photo, change, what);
    }
    case "point":
      return drawn(state, action.id, action.known, action.photo, (edit) => ({
        ...edit,
        points: [...edit.points ?? [], action.point]
      }));
    case "unpoint": {
      const edit = editOf(state, action.id);
      const points = (edit.points ?? []).filter((_, i) => i !== action.index);
      return withEdit(state, action.id, { ...edit, points }, null, "");
    }
    case "stroke":
      return drawn(state, action.id, action.known, action.photo, (edit) => ({
        ...edit,
        strokes: [...edit.strokes ?? [], action.stroke]
      }));
    case "reset":
      return state.edits.objects.has(action.id) ? withEdit(state, action.id, {}, null, "") : state;
    case "clear":
      if (!state.edits.objects.size) return state;
      return { edits: NO_EDITS, selected: null, past: [...state.past, state.edits].slice(-MOST_STEPS), future: [], last: "" };
    case "undo": {
      const before = state.past.at(-1);
      return before ? travel(state, before, state.past.slice(0, -1), [state.edits, ...state.future]) : state;
    }
    case "redo": {
      const [after, ...rest] = state.future;
      return after ? travel(state, after, [...state.past, state.edits], rest) : state;
    }
  }
}
function rows(run, edits, shown) {
  const out = run.filter((item) => item.found || edits.objects.has(item.id)).map((item) => {
    const edit = edits.objects.get(item.id) ?? {};
    const pending = differ(edit, shown.objects.get(item.id));
    const keep = pending ? edit.keep ?? (item.keep || hasShape(edit)) : item.keep;
    return {
      id: item.id,
      label: edit.label ?? item.label,
      keep,
      reason: keep ? "" : item.reason,
      box: item.box,
      outlines: item.outlines,
      byHand: !item.found,
      edit,
      pending
    };
  });
  const known = new Set(run.map((item) => item.id));
  for (const [id, edit] of edits.objects)
    if (!known.has(id))
      out.push({
        id,
        label: edit.label ?? "object",
        keep: edit.keep ?? true,
        reason: "",
        box: edit.box ?? null,
        outlines: [],
        byHand: true,
        edit,
        pending: differ(edit, shown.objects.get(id))
      });
  return out;
}
var hasShape = (edit) => Boolean(edit.box || edit.points || edit.strokes);
var differ = (a = {}, b = {}) => JSON.stringify(editJson(a)) !== JSON.stringify(editJson(b));

// src/picker/stage.ts
var STILL_PX = 3;
var WHEEL = 1.0016;
var MOST_BRUSH = 400;
var STEP = 1;
var LARGE_STEP = 10;
var Stage = class {
  constructor(words, port) {
    this.words = words;
    this.port = port;
    this.canvas = element("canvas", { class: "cast-picker-canvas" });
    this.keys = element("input", {
      class: "cast-picker-keys",
      type: "text",
      readonly: true,
      "aria-label": words.canvas,
      autocomplete: "off"
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
  words;
  port;
  host;
  tool = "box";
  canvas;
  keys;
  watcher;
  view = null;
  fitted = null;
  grip = null;
  draft = {};
  hover = null;
  cross = null;
  corner = null;
  radius = 12;
  frame = 0;
  set brush(radius) {
    this.radius = Math.min(MOST_BRUSH, Math.max(1, radius));
    this.draw();
  }
  resizeBrush(factor) {
    this.brush = this.radius * factor;
    this.port.brushChanged(this.radius);
  }
  focus() {
    this.keys.focus({ preventScroll: true });
  }
  /** The whole photo again. */
  fit() {
    this.view = null;
    this.draw();
  }
  dispose() {
    this.watcher?.disconnect();
    cancelAnimationFrame(this.frame);
  }
  /** Draws when the browser next does. */
  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }
  get room() {
    return [this.host.clientWidth, this.host.clientHeight];
  }
  /** The view, fitted anew when the photo or the room for it has changed. */
  viewOf(photo) {
    const canvas = this.room;
    const same2 = (a, b) => a !== void 0 && a[0] === b[0] && a[1] === b[1];
    if (!this.view || !same2(this.fitted?.photo, photo) || !same2(this.fitted?.canvas, canvas)) {
      this.view = fit(photo, canvas);
      this.fitted = { photo, canvas };
    }
    return this.view;
  }
  drawNow() {
    const context = this.canvas.getContext("2d");
    const [width, height] = this.room;
    if (!context || !width || !height) return;
    const zoom = this.canvas.getBoundingClientRect().width / width || 1;
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
      photo: shown.photo,
      size: shown.size,
      rows: this.port.rows(),
      selected: this.port.state().selected,
      draft: this.draft,
      cross: this.cross,
      brush: brushes && at ? { at, radius: this.radius } : null
    }, ratio);
  }
  /** The pointer in pixels of the canvas: the graph's zoom scales the page's. */
  at(event) {
    const frame2 = this.canvas.getBoundingClientRect();
    const [width, height] = this.room;
    return [(event.clientX - frame2.left) * width / frame2.width, (event.clientY - frame2.top) * height / frame2.height];
  }
  known() {
    return this.port.rows().map(({ id }) => id);
  }
  selected() {
    const { selected } = this.port.state();
    return this.port.rows().find(({ id }) => id === selected) ?? null;
  }
  // The pointer.
  down(event) {
    event.preventDefault();
    event.stopPropagation();
    this.focus();
    this.cross = this.corner = null;
    const shown = this.port.shown();
    if (!shown || this.grip) return;
    const at = this.at(event);
    const view = this.viewOf(shown.size);
    const point2 = toPhoto(view, at);
    const start = (grip) => {
      this.grip = grip;
      this.canvas.setPointerCapture?.(event.pointerId);
    };
    if (event.button === 1 || event.button === 2) return start({ kind: "pan", at, from: at, moved: false, pick: void 0 });
    if (event.button !== 0) return;
    switch (this.tool) {
      case "select":
        return start(this.taken(view, at, point2));
      case "box":
        return start({ kind: "draw", from: point2, box: [...point2, ...point2] });
      case "plus":
      case "minus":
        return this.click(point2, view, shown.size);
      default:
        if (this.brushable()) start({ kind: "stroke", path: [point2], adds: this.tool === "paint" });
        this.stretch(point2, shown.size);
    }
  }
  /** What the select tool gets hold of. */
  taken(view, at, point2) {
    const row = this.selected();
    const box = row?.keep ? row.edit.box ?? row.box : null;
    if (row && box) {
      const spots = corners(box);
      const hit = spots.findIndex((c) => near(toCanvas(view, c), at));
      if (hit >= 0) return { kind: "corner", id: row.id, fixed: spots[(hit + 2) % 4] };
      if (row.edit.box && inBox(row.edit.box, point2)) return { kind: "move", id: row.id, box: row.edit.box, from: point2 };
    }
    return { kind: "pan", at, from: at, moved: false, pick: this.under(point2) };
  }
  /** The object under a point: the smallest whose outline, else whose box, is there. */
  under(point2) {
    const size = (row) => {
      const box = row.edit.box ?? row.box;
      return box ? (box[2] - box[0]) * (box[3] - box[1]) : Infinity;
    };
    const all = this.port.rows().sort((a, b) => Number(b.keep) - Number(a.keep) || size(a) - size(b));
    return all.find((row) => inside(row.outlines, point2)) ?? all.find((row) => inBox(row.edit.box ?? row.box, point2)) ?? null;
  }
  move(event) {
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
      const all = grip.kind === "stroke" ? event.getCoalescedEvents?.() ?? [] : [];
      for (const one of all.length ? all : [event]) this.stretch(toPhoto(view, this.at(one)), shown.size);
    }
    this.draw();
  }
  /** Draws on with what is held. */
  stretch(point2, size) {
    const { grip } = this;
    if (grip?.kind === "draw") {
      grip.box = [...grip.from, ...point2];
      this.draft = { box: fittedBox(grip.box, size) ?? void 0 };
    } else if (grip?.kind === "stroke") {
      grip.path.push(point2);
      this.draft = { stroke: { adds: grip.adds, radius: this.radius, path: grip.path } };
    } else if (grip?.kind === "move") {
      this.draft = { box: movedBox(grip.box, [point2[0] - grip.from[0], point2[1] - grip.from[1]], size) };
    } else if (grip?.kind === "corner") {
      this.draft = { box: fittedBox([...grip.fixed, ...point2], size) ?? void 0 };
    }
    this.draw();
  }
  up(event) {
    const { grip } = this;
    const { box } = this.draft;
    const shown = this.port.shown();
    if (!grip || !shown) return this.drop();
    if (grip.kind !== "pan") this.stretch(toPhoto(this.viewOf(shown.size), this.at(event)), shown.size);
    const drawn2 = this.draft.box ?? box;
    this.drop();
    if (grip.kind === "pan") {
      if (!grip.moved && grip.pick !== void 0) this.port.act({ do: "select", id: grip.pick?.id ?? null });
    } else if (grip.kind === "stroke") {
      this.stroke(grip.path, grip.adds, shown.size);
    } else if (drawn2) {
      const id = grip.kind === "draw" ? null : grip.id;
      if (grip.kind === "move" && same(drawn2, grip.box)) return;
      this.port.act({ do: "box", id, box: whole(drawn2), photo: shown.size, known: this.known() });
    }
  }
  drop() {
    this.grip = null;
    this.draft = {};
    this.draw();
  }
  wheel(event) {
    event.preventDefault();
    event.stopPropagation();
    const shown = this.port.shown();
    if (!shown) return;
    const delta = event.deltaY * (event.deltaMode === 1 ? 30 : 1);
    this.view = zoomed(this.viewOf(shown.size), WHEEL ** -delta, this.at(event), shown.size, this.room);
    this.draw();
  }
  // The tools.
  click(point2, view, size) {
    if (point2[0] < 0 || point2[1] < 0 || point2[0] > size[0] || point2[1] > size[1]) return;
    const row = this.selected();
    const spot = toCanvas(view, point2);
    const again = row?.edit.points?.findIndex(([x2, y2]) => near(toCanvas(view, [x2, y2]), spot)) ?? -1;
    if (row && again >= 0) return this.port.act({ do: "unpoint", id: row.id, index: again });
    if (!row && this.tool === "minus") return this.port.say(this.words.selectFirst);
    const sign = this.tool === "plus" ? 1 : -1;
    const [x, y] = [Math.round(point2[0]), Math.round(point2[1])];
    this.port.act({ do: "point", id: row?.id ?? null, point: [x, y, sign], photo: size, known: this.known() });
  }
  brushable() {
    if (this.tool === "paint" || this.selected()) return true;
    this.port.say(this.words.selectFirst);
    return false;
  }
  stroke(path, adds, photo) {
    const radius = Math.round(this.radius * 10) / 10;
    const line2 = simplified(path, Math.max(0.5, radius / 20));
    const dab = line2.length === 2 && same(line2[0], line2[1]) ? line2.slice(1) : line2;
    const id = this.selected()?.id ?? null;
    this.port.act({ do: "stroke", id, stroke: { adds, radius, path: dab }, photo, known: this.known() });
  }
  // The keyboard.
  keydown(event) {
    const enters = (event.key === "Enter" || event.key === " ") && !event.ctrlKey && !event.metaKey;
    const used = this.arrows(event) || enters && this.enter() || this.port.key(event);
    if (!used) return;
    event.preventDefault();
    event.stopPropagation();
  }
  /** Arrow keys move the selected box with the select tool, the cross with the others. */
  arrows(event) {
    const [dx, dy] = ARROWS[event.key] ?? [0, 0];
    const shown = this.port.shown();
    if (!dx && !dy || !shown) return false;
    const by = event.shiftKey ? LARGE_STEP : STEP;
    if (this.tool === "select") {
      const row = this.selected();
      const box = row?.keep ? row.edit.box ?? row.box : null;
      if (!row || !box) return true;
      const moved = movedBox(whole(box), [dx * by, dy * by], shown.size, event.altKey);
      this.port.act({ do: "box", id: row.id, box: moved, photo: shown.size, known: this.known() });
      return true;
    }
    const pace = Math.max(1, Math.round(4 / this.viewOf(shown.size).scale)) * (event.shiftKey ? 8 : 1);
    const [w, h] = shown.size;
    const [x, y] = this.cross ?? [Math.round(w / 2), Math.round(h / 2)];
    this.cross = [Math.min(w, Math.max(0, x + dx * pace)), Math.min(h, Math.max(0, y + dy * pace))];
    if (this.corner) this.draft = { box: fittedBox([...this.corner, ...this.cross], shown.size) ?? void 0 };
    this.draw();
    return true;
  }
  /** Uses the tool at the cross; a box is drawn from the first place to the second. */
  enter() {
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
};
var ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
var near = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) <= REACH_PX;
var same = (a, b) => a.every((v, i) => v === b[i]);
var whole = (box) => box.map(Math.round);

// src/picker/panel.ts
var TOOLS = [
  ["select", "v"],
  ["box", "b"],
  ["plus", "p"],
  ["minus", "n"],
  ["paint", "d"],
  ["erase", "e"]
];
var OTHER_SHAPE = 0.02;
var AUTO_MS = 500;
var STYLE = "cast-picker-style";
var HINT_MS = 4e3;
var Picker = class {
  constructor(words, port) {
    this.words = words;
    this.port = port;
    addStyle();
    this.stage = new Stage(words, {
      act: (action) => this.act(action),
      say: (text) => this.say(text),
      key: (event) => this.key(event),
      rows: () => this.rows(),
      state: () => this.state,
      shown: () => this.blocked() ? null : this.photoSize(),
      brushChanged: (radius) => {
        this.size.value = String(Math.round(radius));
      }
    });
    this.list = new ObjectList(words, (action) => this.act(action), () => this.stage.focus());
    const button = (icon, title, onclick, more = {}) => element("button", { type: "button", title, "aria-label": title, onclick, ...more }, iconOf(icon));
    for (const [tool] of TOOLS)
      this.buttons.set(tool, button(tool, words[tool], () => this.choose(tool), { "data-tool": tool }));
    this.undo = button("undo", words.undo, () => this.act({ do: "undo" }));
    this.redo = button("redo", words.redo, () => this.act({ do: "redo" }));
    this.clear = button("clear", words.clear, () => this.act({ do: "clear" }));
    this.size = element("input", {
      type: "range",
      class: "cast-picker-size",
      min: 1,
      max: 200,
      value: 12,
      title: words.size,
      "aria-label": words.size,
      oninput: () => {
        this.stage.brush = Number(this.size.value);
      }
    });
    this.update = element("button", { type: "button", class: "cast-picker-run", title: words.runLong, onclick: () => this.runNow() }, words.run);
    this.auto = element("input", { type: "checkbox", onchange: () => this.auto.checked && this.runNow() });
    this.hint = element("div", { class: "cast-picker-hint", role: "status" });
    const group = (...parts) => element("div", { class: "cast-picker-group" }, ...parts);
    const bar = element(
      "div",
      { class: "cast-picker-bar", role: "toolbar", "aria-label": words.picker },
      group(...this.buttons.values()),
      group(this.size),
      group(this.undo, this.redo, button("fit", words.fit, () => this.stage.fit()), this.clear),
      group(this.update, element("label", { title: words.autoLong }, this.auto, words.auto))
    );
    this.stage.host.append(this.hint);
    this.host = element(
      "section",
      { class: "cast-picker", "aria-label": words.picker, "data-capture-wheel": "true" },
      bar,
      element("div", { class: "cast-picker-body" }, this.stage.host, this.list.host)
    );
    for (const kind of ["pointerdown", "mousedown", "dblclick", "contextmenu", "keydown", "keyup", "keypress", "copy", "paste", "cut"])
      this.host.addEventListener(kind, (event) => {
        if (!isForComfyUI(event)) event.stopPropagation();
      });
    this.host.addEventListener("wheel", (event) => event.stopPropagation());
    this.choose("box");
    this.load();
  }
  words;
  port;
  host;
  stage;
  list;
  buttons = /* @__PURE__ */ new Map();
  undo;
  redo;
  update;
  clear;
  auto;
  size;
  hint;
  state = NOTHING;
  readable = true;
  run = null;
  photo = null;
  photoFailed = false;
  source = "";
  spoken = "";
  timer = 0;
  quiet = 0;
  /** Takes the edits that the node's widget holds, as after loading a workflow. */
  load() {
    const text = this.port.read();
    const edits = readEdits(text);
    this.readable = edits !== null;
    if (edits !== null && text !== writeEdits(this.state.edits)) this.state = picked(this.state, { do: "load", edits });
    this.refresh();
  }
  /** Shows what a run of the node has told. */
  show(run) {
    this.run = run;
    this.spoken = "";
    this.refresh();
  }
  /** Forgets the last run: the photo is another one. */
  forget() {
    this.run = null;
    this.refresh();
  }
  /** Shows the photo of an address; the same address is not loaded again. */
  showPhoto(url) {
    if (url === this.source) return;
    this.source = url;
    this.photoFailed = false;
    if (!url) {
      this.photo = null;
      this.refresh();
      return;
    }
    const image = new Image();
    const done = (loaded) => {
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
  failed(why) {
    this.say(filled(this.words.failed, { why: oneLine(why) }));
  }
  dispose() {
    clearTimeout(this.timer);
    clearTimeout(this.quiet);
    this.stage.dispose();
  }
  choose(tool) {
    this.stage.tool = tool;
    for (const [name2, button] of this.buttons) button.setAttribute("aria-pressed", String(name2 === tool));
    this.size.disabled = tool !== "paint" && tool !== "erase";
    this.stage.draw();
  }
  act(action) {
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
  runNow() {
    clearTimeout(this.timer);
    void Promise.resolve(this.port.run()).catch((error) => this.failed(String(error)));
  }
  /** The size of the photo in whose pixels everything is told. */
  photoSize() {
    if (!this.photo) return null;
    const natural = [this.photo.naturalWidth, this.photo.naturalHeight];
    return { size: this.state.edits.photo ?? this.run?.size ?? natural, photo: this.photo };
  }
  /** Why nothing can be drawn, "" when it can. */
  blocked() {
    if (!this.readable) return this.words.unreadable;
    const drawn2 = this.state.edits.photo;
    if (!drawn2 || !this.photo) return "";
    const [w, h] = [this.photo.naturalWidth, this.photo.naturalHeight];
    if (Math.abs(Math.log(drawn2[0] / drawn2[1] / (w / h))) <= OTHER_SHAPE) return "";
    return filled(this.words.otherPhoto, { a: drawn2.join(" × "), b: `${w} × ${h}` });
  }
  /** The objects, in pixels of the edits. */
  rows() {
    const shown = this.photoSize();
    const run = this.run;
    const by = shown && run ? [shown.size[0] / run.size[0], shown.size[1] / run.size[1]] : [1, 1];
    const objects = (run?.objects ?? []).map((item) => ({ ...item, ...scaled(item, by) }));
    const before = readEdits(run?.edits ?? "") ?? NOTHING.edits;
    return rows(objects, this.state.edits, before);
  }
  say(text) {
    this.spoken = text;
    clearTimeout(this.quiet);
    this.quiet = window.setTimeout(() => {
      this.spoken = "";
      this.refresh();
    }, HINT_MS);
    this.refresh();
  }
  refresh() {
    const blocked = this.blocked();
    const all = this.rows();
    this.undo.disabled = !this.state.past.length;
    this.redo.disabled = !this.state.future.length;
    this.clear.disabled = this.readable && !this.state.edits.objects.size;
    const due = all.some((row) => row.pending) || this.run !== null && written(this.run.edits) !== writeEdits(this.state.edits);
    this.update.classList.toggle("cast-picker-due", due && !blocked);
    this.list.show(all, this.state.selected);
    const waiting = this.photoFailed ? this.words.photoFailed : this.photo ? all.length ? "" : this.words.none : this.words.noPhoto;
    const text = blocked || this.spoken || waiting;
    this.hint.hidden = !text;
    this.hint.textContent = text;
    if (blocked)
      this.hint.append(element("button", { type: "button", onclick: () => this.act({ do: "clear" }) }, this.words.startAgain));
    this.stage.draw();
  }
  /** Keys that mean the same wherever the stage has the focus. True when the key was used. */
  key(event) {
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
  remove() {
    const row = this.rows().find(({ id }) => id === this.state.selected);
    if (row) this.act({ do: "keep", id: row.id, keep: false, found: !row.byHand });
  }
};
var written = (text) => writeEdits(readEdits(text) ?? NO_EDITS);
function isForComfyUI(event) {
  const { ctrlKey, metaKey, key } = event;
  return (ctrlKey || metaKey) && ["enter", "s"].includes(key?.toLowerCase() ?? "");
}
function scaled(item, [across, down]) {
  const [a, b, c, d] = item.box;
  return {
    box: [a * across, b * down, c * across, d * down],
    outlines: item.outlines.map((line2) => line2.map((v, i) => v * (i % 2 ? down : across)))
  };
}
function addStyle() {
  if (document.getElementById(STYLE)) return;
  const style = element("style", { id: STYLE });
  style.textContent = picker_default;
  document.head.append(style);
}

// src/picker/photo.ts
var LOADERS = ["LoadImage", "LoadImageOutput"];
var FIRST = ["image", "objects"];
function linkOf(graph, id) {
  const { links } = graph;
  if (links instanceof Map) return links.get(id);
  return links?.[id];
}
function photoSource(graph, node, seen = /* @__PURE__ */ new Set()) {
  if (seen.has(node.id)) return null;
  seen.add(node.id);
  if (LOADERS.includes(node.type) || node.type === "CASTDemoPhoto") return node;
  const inputs = [...node.inputs ?? []].sort((a, b) => Number(FIRST.includes(b.name)) - Number(FIRST.includes(a.name)));
  for (const { link } of inputs) {
    const origin = link === null ? void 0 : linkOf(graph, link);
    const above = origin && graph.getNodeById(origin.origin_id);
    const found = above && photoSource(graph, above, seen);
    if (found) return found;
  }
  return null;
}
function fileNamed(value) {
  const found = typeof value === "string" ? /^(?:(.*)\/)?([^/]+?)(?: \[(input|output|temp)\])?$/.exec(value.trim()) : null;
  if (!found?.[2]) return null;
  return { filename: found[2], subfolder: found[1] ?? "", type: found[3] ?? "input" };
}

// src/picker/node.ts
var NODE = "CASTEditObjects";
var OUTPUT = "cast_picker";
var EDITS = "edits";
var SIZE = [760, 560];
var LEAST_PX = 320;
var LOOK_MS = 700;
function addPicker(app2, node) {
  if (node.constructor?.nodeData?.name !== NODE) return null;
  const { api } = app2;
  const edits = () => widgetOf(node, EDITS);
  const own = edits();
  let writing = false;
  let told = null;
  let ranOn = "";
  if (own) {
    own.hidden = true;
    (own.options ??= {})["hidden"] = true;
    const before = own.callback;
    own.callback = function(value, ...rest) {
      before?.call(this, value, ...rest);
      if (!writing) picker.load();
    };
  }
  const picker = new Picker(wordsFor(app2.extensionManager.setting.get("Comfy.Locale")), {
    read: () => String(edits()?.value ?? ""),
    write: (text) => {
      const widget2 = edits();
      if (!widget2 || widget2.value === text) return;
      writing = true;
      try {
        widget2.value = text;
        widget2.callback?.(text);
      } finally {
        writing = false;
      }
      node.graph?.change?.();
    },
    run: () => app2.queuePrompt(0, 1, [String(node.id)])
  });
  const widget = node.addDOMWidget("cast_picker", "CAST_PICKER", picker.host, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => LEAST_PX
  });
  widget.serialize = false;
  node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);
  const upstream = () => {
    const graph = node.graph;
    const source = graph?.getNodeById ? photoSource(graph, node) : null;
    if (!source) return "";
    const made = app2.nodeOutputs?.[String(source.id)]?.["images"];
    const named = source.type === "CASTDemoPhoto" ? made?.[0] : fileNamed(source.widgets?.find((w) => w.name === "image")?.value);
    return named ? fileURL(api, named) : "";
  };
  const show = (output) => {
    const run = output?.[OUTPUT]?.[0];
    if (!run) return;
    told = run;
    ranOn = upstream();
    picker.showPhoto(fileURL(api, run.photo));
    picker.show(run);
  };
  const look = () => {
    const now = upstream();
    if (told && (!now || now === ranOn || !ranOn)) return;
    if (told) {
      told = null;
      picker.forget();
    }
    picker.showPhoto(now);
  };
  const clock = window.setInterval(look, LOOK_MS);
  const executed = node.onExecuted;
  node.onExecuted = function(output) {
    executed?.call(this, output);
    show(output);
  };
  const configure = node.onConfigure;
  node.onConfigure = function(info) {
    configure?.call(this, info);
    picker.load();
  };
  const failed = (event) => {
    const { node_id: id, exception_message: why } = event.detail ?? {};
    if (String(id) === String(node.id)) picker.failed(String(why ?? ""));
  };
  api.addEventListener("execution_error", failed);
  const removed = node.onRemoved;
  node.onRemoved = function() {
    removed?.call(this);
    window.clearInterval(clock);
    api.removeEventListener("execution_error", failed);
    picker.dispose();
  };
  setTimeout(() => {
    show(app2.nodeOutputs?.[String(node.id)]);
    look();
  }, 0);
  return picker;
}

// src/picker.ts
app.registerExtension({
  name: "cast.picker",
  nodeCreated(node) {
    addPicker(app, node);
  }
});
