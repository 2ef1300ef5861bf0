// Built from frontend/src by `make web`; change it there.

// src/strip.ts
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
function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

// src/strip/makers.ts
var SOCKET = { view: "views", mesh: "meshes", pose: "placements" };
var MAKES = {
  view: { CASTInpaint: true, CASTObjectsToImages: false },
  mesh: { CASTMesh: true, CASTViewsToImages: false },
  pose: { CASTRegister: false }
};
var PASSES = {
  CASTOverrideView: "views",
  CASTOverrideMesh: "meshes",
  CASTOverridePose: "placements",
  CASTGatherViews: "order",
  CASTMeshesFromMesh: "order",
  CASTMeshesFromFile3D: "order",
  CASTMeshesFromTrimesh: "order"
};
var FARTHEST = 64;
var SUBGRAPH_INPUT = -10;
var NEVER = 2;
var BYPASS = 4;
function makersOf(strip) {
  const scene = before(strip, "scene");
  const compose = scene?.type === "CASTComposeScene" ? scene : null;
  const from = scene ? compose : strip;
  return {
    view: makerOf("view", from, scene),
    mesh: makerOf("mesh", from, scene),
    pose: makerOf("pose", from, scene),
    compose
  };
}
function makerOf(part, from, scene) {
  if (!from) return { reason: "not made here", title: scene?.title };
  let node = before(from, SOCKET[part]);
  for (let steps = 0; node && steps < FARTHEST; steps++) {
    if (node.mode === NEVER || node.mode === BYPASS) return { reason: "off", title: node.title };
    const canLock2 = MAKES[part][node.type];
    if (canLock2 !== void 0) {
      const linked = node.inputs?.some((input) => input.name === "retry" && input.link != null);
      if (linked || !widgetOf(node, "retry")) return { reason: "linked", title: node.title };
      return { node, canLock: canLock2 && widgetOf(node, "locked") !== void 0 };
    }
    const onwards = PASSES[node.type];
    const next = onwards ? before(node, onwards) : null;
    if (!next) return { reason: "not made here", title: node.title };
    node = next;
  }
  return { reason: "nothing connected" };
}
function before(node, input) {
  const slot = node.inputs?.findIndex((i) => i.name === input) ?? -1;
  return slot < 0 ? null : origin(node, slot);
}
function origin(node, slot) {
  let graph = node.graph;
  let id = node.inputs?.[slot]?.link;
  for (let steps = 0; graph && id != null && steps < FARTHEST; steps++) {
    const link = graph.getLink?.(id);
    if (!link) return null;
    if (Number(link.origin_id) === SUBGRAPH_INPUT) {
      const inner = graph;
      const outer = holderOf(inner);
      graph = outer?.graph;
      id = outer?.inputs?.[link.origin_slot]?.link;
      continue;
    }
    const found = graph.getNodeById(link.origin_id);
    if (!found) return null;
    if (found.subgraph) {
      id = found.subgraph.outputs?.[link.origin_slot]?.linkIds?.[0];
      graph = found.subgraph;
    } else if (found.type === "Reroute") {
      id = found.inputs?.[0]?.link;
    } else {
      return found;
    }
  }
  return null;
}
function holderOf(inner) {
  const waiting = inner.rootGraph ? [inner.rootGraph] : [];
  for (let graph = waiting.pop(); graph; graph = waiting.pop()) {
    for (const node of graph.nodes) {
      if (node.subgraph === inner) return node;
      if (node.subgraph) waiting.push(node.subgraph);
    }
  }
  return null;
}

// src/strip/state.ts
var TILES = ["crop", "view", "mesh", "fit"];
var PART_OF = { crop: null, view: "view", mesh: "mesh", fit: "pose" };
function stripOf(output) {
  const found = output?.cast_strip?.[0];
  return found && Array.isArray(found.rows) ? found : null;
}
function readRetries(text) {
  const counters = /* @__PURE__ */ new Map();
  for (const part of String(text ?? "").split(/[,;\n]/)) {
    const found = /^\s*(\d+)\s*(?::\s*(\d+))?\s*$/.exec(part);
    if (found) counters.set(Number(found[1]), Number(found[2] ?? 1));
  }
  return counters;
}
function withRetry(text, id, counter) {
  const counters = readRetries(text);
  if (counter > 0) counters.set(id, counter);
  else counters.delete(id);
  return [...counters].map(([object, n]) => `${object}:${n}`).join(", ");
}
function readLocks(text) {
  const keys = /* @__PURE__ */ new Map();
  for (const part of String(text ?? "").split(/[,;\n]/)) {
    const found = /^\s*(\d+)\s*:\s*([0-9a-f]{64})\s*$/.exec(part);
    if (found) keys.set(Number(found[1]), found[2]);
  }
  return keys;
}
function withLock(text, id, key) {
  const keys = readLocks(text);
  if (key) keys.set(id, key);
  else keys.delete(id);
  return [...keys].map(([object, k]) => `${object}:${k}`).join(", ");
}
function readEdits(text) {
  const plain = String(text ?? "").trim();
  if (!plain) return {};
  try {
    const value = JSON.parse(plain);
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
var POSE = ["position", "rotation_deg", "scale"];
function poseLocked(text, id) {
  const edit = readEdits(text)?.[id];
  if (!edit || edit.locked === false) return false;
  return edit.locked === true || POSE.some((name) => edit[name] !== void 0);
}
function posedByHand(text, id) {
  const edit = readEdits(text)?.[id];
  return POSE.some((name) => edit?.[name] !== void 0);
}
var rounded = (value, digits) => Number(value.toFixed(digits));
function withPoseLocked(text, id, pose) {
  const edits = readEdits(text) ?? {};
  if (posedByHand(text, id)) return written({ ...edits, [id]: { ...edits[id], locked: true } });
  edits[id] = {
    ...edits[id],
    position: pose.position.map((v) => rounded(v, 5)),
    rotation_deg: pose.rotation_deg.map((v) => rounded(v, 4)),
    scale: Number(pose.scale.toPrecision(7)),
    locked: true
  };
  return written(edits);
}
function withPoseUnlocked(text, id, keepPose) {
  const edits = readEdits(text) ?? {};
  const { locked: _, ...rest } = edits[id] ?? {};
  if (!keepPose) for (const name of POSE) delete rest[name];
  if (Object.keys(rest).length) edits[id] = rest;
  else delete edits[id];
  return written(edits);
}
function written(edits) {
  return Object.keys(edits).length ? JSON.stringify(edits) : "";
}
function reviewOf(saved) {
  const given = saved && typeof saved === "object" ? saved : {};
  const accepted2 = {};
  for (const [id, made] of Object.entries(given.accepted ?? {})) {
    if (/^\d+$/.test(id) && typeof made === "string") accepted2[id] = made;
  }
  const posed = Array.isArray(given.posedByHand) ? given.posedByHand.filter(Number.isInteger) : [];
  return { accepted: accepted2, posedByHand: posed };
}
function acceptance(review, row) {
  const made = review.accepted[row.id];
  return made === void 0 ? "no" : made === row.made ? "yes" : "changed";
}
function accepted(review, row, yes) {
  const { [String(row.id)]: _, ...others } = review.accepted;
  return { ...review, accepted: yes ? { ...others, [row.id]: row.made } : others };
}

// src/shared/dom.ts
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== void 0 && value !== false) made.setAttribute(name, String(value));
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
function shadowWith(host2, css) {
  const root = host2.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css;
  root.append(style);
  return root;
}

// src/strip/deeds.ts
function set(node, name, value) {
  const widget = widgetOf(node, name);
  if (!widget || widget.value === value) return null;
  widget.value = value;
  widget.callback?.(value);
  node.setDirtyCanvas(true, true);
  return { node, widget: name };
}
function attempt(makers, part, id) {
  const maker = makers[part];
  return "node" in maker ? readRetries(widgetOf(maker.node, "retry")?.value).get(id) ?? 0 : 0;
}
function retry(makers, part, id, by) {
  const maker = makers[part];
  if (!("node" in maker)) return null;
  const text = widgetOf(maker.node, "retry")?.value;
  return set(maker.node, "retry", withRetry(text, id, attempt(makers, part, id) + by));
}
function lockable(makers, row) {
  const found = [];
  for (const part of ["view", "mesh"]) {
    const maker = makers[part];
    const key = row.locks[part];
    if (!("node" in maker) || !maker.canLock) continue;
    const { node } = maker;
    const text = () => widgetOf(node, "locked")?.value;
    const held = readLocks(text()).has(row.id);
    if (!key && !held) continue;
    found.push({
      held,
      lock: () => key ? set(node, "locked", withLock(text(), row.id, key)) : null,
      unlock: () => set(node, "locked", withLock(text(), row.id, null))
    });
  }
  const { compose } = makers;
  const edits = compose ? widgetOf(compose, "edits") : void 0;
  if (compose && edits && readEdits(edits.value)) {
    const held = poseLocked(edits.value, row.id);
    const { pose } = row;
    if (pose || held) {
      found.push({
        held,
        lock: () => pose ? set(compose, "edits", withPoseLocked(edits.value, row.id, pose)) : null,
        unlock: (review) => set(compose, "edits", withPoseUnlocked(edits.value, row.id, review.posedByHand.includes(row.id)))
      });
    }
  }
  return found;
}
function hold(makers, row) {
  const all2 = lockable(makers, row);
  const held = all2.filter((one) => one.held).length;
  return held === 0 ? "none" : held === all2.length ? "all" : "part";
}
function canLock(makers, row) {
  return lockable(makers, row).length > 0;
}
function lock(makers, row, review) {
  const edits = makers.compose ? widgetOf(makers.compose, "edits")?.value : "";
  const ours = readEdits(edits)?.[row.id]?.locked === true && !review.posedByHand.includes(row.id);
  const others = review.posedByHand.filter((id) => id !== row.id);
  const after = { ...review, posedByHand: posedByHand(edits, row.id) && !ours ? [...others, row.id] : others };
  return { written: all(lockable(makers, row).map((one) => one.lock(review))), review: after };
}
function unlock(makers, row, review) {
  const written2 = all(lockable(makers, row).map((one) => one.unlock(review)));
  return { written: written2, review: { ...review, posedByHand: review.posedByHand.filter((id) => id !== row.id) } };
}
var all = (found) => found.filter((one) => one !== null);

// src/strip/strip.css
var strip_default = ':host {\n  display: flex;\n  flex-direction: column;\n  height: 100%;\n  min-height: 0;\n  box-sizing: border-box;\n  color: var(--fg-color, #ddd);\n  font: 12px/1.35 system-ui, sans-serif;\n  --line: var(--border-color, #4e4e4e);\n  --field: var(--comfy-input-bg, #222);\n  --quiet: var(--descrip-text, #999);\n  --good: #3f9c5a;\n  --fair: #c9922e;\n  --poor: #cf5145;\n  --mark: #2f7fd8;\n}\n* { box-sizing: border-box; }\n.top { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; padding: 2px 2px 6px; }\n.top .count { font-weight: 600; }\n.top .grow { flex: 1; }\nbutton, label.check {\n  font: inherit; color: inherit; background: var(--field); border: 1px solid var(--line);\n  border-radius: 6px; padding: 3px 8px; cursor: pointer;\n}\nlabel.check { display: inline-flex; gap: 5px; align-items: center; }\nbutton:hover:not(:disabled) { border-color: var(--fg-color, #ddd); }\nbutton:disabled { opacity: .4; cursor: default; }\nbutton:focus-visible, .row:focus-visible, input:focus-visible, .tile:focus-visible {\n  outline: 2px solid var(--mark); outline-offset: 1px;\n}\n.heads, .row { display: grid; grid-template-columns: minmax(84px, 1fr) repeat(4, var(--tile, 92px)) 84px; gap: 6px; }\n.heads { color: var(--quiet); font-size: 11px; padding: 0 6px 2px; border-bottom: 1px solid var(--line); }\n.heads span:not(:first-child) { text-align: center; }\n.row:focus-visible { outline-offset: -2px; }\n.rows { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; scrollbar-width: thin; }\n.row { padding: 6px; border-bottom: 1px solid var(--line); align-items: start; border-left: 3px solid transparent; }\n.row.accepted { border-left-color: var(--good); }\n.row.changed { border-left-color: var(--fair); }\n.row.failed { border-left-color: var(--poor); }\n.row.large { --tile: 168px; grid-template-columns: repeat(4, 168px) 84px; }\n.row.large .name { grid-column: 1 / -1; }\n.name { min-width: 0; }\n.label { font-weight: 600; overflow-wrap: anywhere; display: -webkit-box; -webkit-line-clamp: 3;\n  -webkit-box-orient: vertical; overflow: hidden; }\n.small { color: var(--quiet); font-size: 11px; overflow-wrap: anywhere; }\n.reason { color: var(--poor); font-size: 11px; overflow-wrap: anywhere; display: -webkit-box;\n  -webkit-line-clamp: 4; -webkit-box-orient: vertical; overflow: hidden; }\n.cell { display: flex; flex-direction: column; gap: 3px; min-width: 0; }\n.tile { width: var(--tile, 92px); height: var(--tile, 92px); border-radius: 6px; border: 1px solid var(--line);\n  background-color: var(--field); background-size: 400% 100%; padding: 0; position: relative; overflow: hidden; }\n.tile.none { display: grid; place-items: center; color: var(--quiet); cursor: default; }\n.busy .tile::after { content: ""; position: absolute; inset: 0; background: rgb(0 0 0 / .45); }\n.busy .tile::before { content: ""; position: absolute; z-index: 1; left: 50%; top: 50%; width: 22px; height: 22px;\n  margin: -11px; border: 3px solid #fff; border-right-color: transparent; border-radius: 50%; animation: turn 1s linear infinite; }\n@keyframes turn { to { transform: rotate(1turn); } }\n@media (prefers-reduced-motion: reduce) { .busy .tile::before { animation: none; } }\n.again { display: flex; gap: 3px; }\n.again button { padding: 1px 0; flex: 1; min-width: 0; white-space: nowrap; }\n.again .back { flex: 0 0 26px; }\n.bar { height: 5px; border-radius: 3px; background: var(--field); border: 1px solid var(--line); overflow: hidden; }\n.bar > div { height: 100%; }\n.good > div { background: var(--good); } .fair > div { background: var(--fair); } .poor > div { background: var(--poor); }\n.number { display: flex; justify-content: space-between; font-size: 11px; }\n.say { display: flex; flex-direction: column; gap: 5px; }\n.say button { width: 100%; padding: 4px 2px; }\n.say button[aria-pressed="true"] { color: #fff; }\n.say .accept[aria-pressed="true"] { background: var(--good); border-color: var(--good); }\n.say .accept.changed { border-color: var(--fair); color: var(--fair); }\n.say .lock[aria-pressed="true"] { background: var(--mark); border-color: var(--mark); }\n.say .lock.part { border-color: var(--mark); color: var(--mark); }\n.told { padding: 5px 4px 0; min-height: 22px; font-size: 11px; color: var(--quiet); overflow-wrap: anywhere; }\n.told button { padding: 0 4px; font-size: 11px; }\n.nothing { padding: 24px 12px; text-align: center; color: var(--quiet); }\n';

// src/strip/words.ts
var EN = {
  strip: "Objects",
  empty: "Run the graph to see every object here: what the photo shows, its view, its mesh and its fit.",
  none: "No object was kept.",
  objects: "{n} objects",
  accepted: "{n} accepted",
  lockedCount: "{n} locked",
  leftOut: "Left out by Filter: {list}",
  acceptGood: "Accept all that fit well",
  hideAccepted: "Hide accepted",
  allHidden: "All objects are accepted.",
  crop: "Photo",
  view: "View",
  mesh: "Mesh",
  fit: "Fit",
  pose: "placement",
  partView: "view",
  partMesh: "mesh",
  retry: "Redo the {part} of {object} (attempt {n}); all other objects are reused. Shift: only note it, and run later.",
  back: "Back to attempt {n} of the {part} of {object}; it is still in the store.",
  attempt: "attempt {n}",
  locked: "{object} is locked; unlock it first.",
  accept: "Accept",
  acceptLong: "Accept {object} as it is",
  acceptedLong: "{object} is accepted; click to take that back",
  changed: "Changed",
  changedLong: "{object} has changed since you accepted it; click to accept it anew",
  lock: "Lock",
  lockLong: "Lock {object}: its view, mesh and pose stay as they are, whatever you change before them",
  unlock: "Locked",
  unlockLong: "Unlock {object}",
  partly: "Partly locked",
  partlyLong: "Some of {object} is locked; click to lock the rest as well",
  noLock: "Nothing of {object} can be locked: its results come from nodes outside CAST, or are not made yet",
  "nothing connected": "Nothing is connected that makes the {part}",
  "not made here": "“{title}” made the {part}; it has no retry",
  linked: "The retry of “{title}” is connected to another node; change it there",
  off: "“{title}” is switched off",
  wrote: "Written into {places}.",
  wroteRuns: "Written into {places}. Running: only {object} is made anew.",
  wroteLater: "Written into {places}. Run the graph when you are ready.",
  nothing: "Nothing had to be written.",
  show: "Show this node",
  running: "Being made anew …",
  runFailed: "The run ended with an error; see the red node.",
  good: "good",
  fair: "fair",
  poor: "poor",
  unknown: "not measured",
  ambiguous: "another pose fits nearly as well",
  depthOff: "its distance does not fit what was measured ({n} % of its size)",
  overlap: "Outline overlap {n} %: {grade}",
  candidates: "{name}, one of {n}",
  failed: "failed: {reason}",
  enlarge: "Enlarge the pictures of {object}",
  keys: "Arrow keys: another object. A accept, L lock, V M P redo view, mesh, placement, Z enlarge.",
  addStrip: "Review objects one by one (CAST)"
};
var ZH = {
  strip: "物体",
  empty: "运行工作流后，这里会列出每个物体：照片中的样子、视图、网格和贴合程度。",
  none: "没有保留任何物体。",
  objects: "{n} 个物体",
  accepted: "已接受 {n}",
  lockedCount: "已锁定 {n}",
  leftOut: "被筛选排除：{list}",
  acceptGood: "接受所有贴合良好的",
  hideAccepted: "隐藏已接受的",
  allHidden: "所有物体都已接受。",
  crop: "照片",
  view: "视图",
  mesh: "网格",
  fit: "贴合",
  pose: "位姿",
  partView: "视图",
  partMesh: "网格",
  retry: "重做 {object} 的{part}（第 {n} 次），其他物体直接复用。按住 Shift 只记下，稍后再运行。",
  back: "回到 {object} 的{part}第 {n} 次的结果，它仍在缓存中。",
  attempt: "第 {n} 次",
  locked: "{object} 已锁定，请先解锁。",
  accept: "接受",
  acceptLong: "接受 {object} 的现状",
  acceptedLong: "{object} 已接受，点击可撤回",
  changed: "有变化",
  changedLong: "{object} 在接受之后有变化，点击重新接受",
  lock: "锁定",
  lockLong: "锁定 {object}：无论前面的设置怎么改，它的视图、网格和位姿都保持不变",
  unlock: "已锁定",
  unlockLong: "解锁 {object}",
  partly: "部分锁定",
  partlyLong: "{object} 只锁定了一部分，点击锁定其余部分",
  noLock: "{object} 没有可锁定的内容：结果来自 CAST 之外的节点，或尚未生成",
  "nothing connected": "没有连接生成{part}的节点",
  "not made here": "{part}由“{title}”生成，它没有重做功能",
  linked: "“{title}”的 retry 连接着别的节点，请在那里修改",
  off: "“{title}”已停用",
  wrote: "已写入 {places}。",
  wroteRuns: "已写入 {places}。正在运行：只重做 {object}。",
  wroteLater: "已写入 {places}。准备好后再运行。",
  nothing: "无需写入。",
  show: "显示这个节点",
  running: "正在重做……",
  runFailed: "运行出错，请看红色的节点。",
  good: "良好",
  fair: "一般",
  poor: "较差",
  unknown: "未测量",
  ambiguous: "另有一个位姿几乎同样贴合",
  depthOff: "它的距离与测得的不符（相差其大小的 {n} %）",
  overlap: "轮廓重合 {n} %：{grade}",
  candidates: "{name}，{n} 个候选之一",
  failed: "失败：{reason}",
  enlarge: "放大 {object} 的图片",
  keys: "方向键换物体；A 接受，L 锁定，V M P 重做视图、网格、位姿，Z 放大。",
  addStrip: "逐个检查物体 (CAST)"
};
function wordsFor(language) {
  return String(language ?? "").startsWith("zh") ? ZH : EN;
}
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (gap, name) => String(values[name] ?? gap));
}

// src/strip/view.ts
var PART_WORD = { view: "partView", mesh: "partMesh", pose: "pose" };
var KEY_PART = { v: "view", m: "mesh", p: "pose" };
var GRADES = ["good", "fair", "poor"];
var SHORTEST_NAME = 60;
var StripView = class {
  constructor(around) {
    this.around = around;
    this.host.className = "cast-strip";
    this.root = shadowWith(this.host, strip_default);
    this.host.addEventListener("wheel", (event) => {
      const list = this.root.querySelector(".rows");
      if (!event.ctrlKey && list && list.scrollHeight > list.clientHeight) event.stopPropagation();
    });
    this.host.addEventListener("pointerenter", () => this.refresh());
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }
  around;
  host = document.createElement("div");
  root;
  strip = null;
  busy = /* @__PURE__ */ new Set();
  large = /* @__PURE__ */ new Set();
  hidesAccepted = false;
  told = [];
  /** Shows what a run has made. */
  show(strip) {
    this.strip = strip;
    this.busy.clear();
    this.draw();
  }
  /** A run has ended without new rows. */
  ended(failed) {
    if (!this.busy.size) return;
    this.busy.clear();
    this.told = [failed ? this.around.words.runFailed : ""];
    this.draw();
  }
  /** Draws anew where widgets elsewhere may have changed. */
  refresh() {
    if (this.strip && !this.root.activeElement) this.draw();
  }
  name(row) {
    return `${oneLine(row.label, SHORTEST_NAME)} ${row.id}`;
  }
  draw() {
    const { words } = this.around;
    const focus = this.root.activeElement?.dataset.focus;
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
    if (focus) this.root.querySelector(`[data-focus="${focus}"]`)?.focus();
  }
  top(rows, makers, review) {
    const { words } = this.around;
    const count = (text, n) => filled(text, { n });
    const fit = rows.filter((row) => row.grade === "good" && acceptance(review, row) !== "yes");
    const hides = element("input", { type: "checkbox", "data-focus": "hide", onchange: () => this.hideAccepted(hides.checked) });
    hides.checked = this.hidesAccepted;
    const yes = rows.filter((row) => acceptance(review, row) === "yes").length;
    const held = rows.filter((row) => hold(makers, row) === "all").length;
    const counts = [count(words.objects, rows.length), count(words.accepted, yes), ...held ? [count(words.lockedCount, held)] : []];
    return element(
      "div",
      { class: "top" },
      element("span", { class: "count" }, counts.join(" · ")),
      element("span", { class: "grow" }),
      element("label", { class: "check" }, hides, words.hideAccepted),
      element(
        "button",
        { type: "button", "data-focus": "good", disabled: !fit.length, onclick: () => this.acceptAll(fit) },
        words.acceptGood
      )
    );
  }
  foot() {
    const { words } = this.around;
    const dropped = (this.strip?.dropped ?? []).map((o) => `${oneLine(o.label, SHORTEST_NAME)} ${o.id} (${oneLine(o.reason, 80)})`);
    const told = element("div", { class: "told", role: "status" }, ...this.told);
    if (!this.told.length) {
      told.textContent = dropped.length ? filled(words.leftOut, { list: dropped.join(", ") }) : words.keys;
    }
    return told;
  }
  row(row, makers, review) {
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
      "data-id": row.id
    });
    const text = element("div", { class: "name" }, element("div", { class: "label", title: oneLine(row.label, 2e3) }, name));
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
  cell(row, tile, makers) {
    const { words } = this.around;
    const made = element("div", { class: "cell" });
    if (row.tiles.includes(tile)) {
      const label = `${words[tile]}: ${filled(words.enlarge, { object: this.name(row) })}`;
      const picture = element("button", {
        type: "button",
        class: "tile",
        tabindex: -1,
        "aria-label": label,
        onclick: () => this.enlarge(row)
      });
      picture.style.backgroundImage = `url("${this.around.url(row.picture)}")`;
      picture.style.backgroundPosition = `${100 * TILES.indexOf(tile) / (TILES.length - 1)}% 0`;
      made.append(picture);
    } else {
      made.append(element("div", { class: "tile none", "aria-hidden": "true" }, "–"));
    }
    if (tile === "fit" && row.tiles.includes("fit")) made.append(...this.fit(row));
    const part = PART_OF[tile];
    if (part) made.append(this.again(row, part, makers));
    return made;
  }
  fit(row) {
    const { words } = this.around;
    const grade = GRADES.find((one) => one === row.grade);
    const word = grade ? words[grade] : words.unknown;
    const percent = row.iou === null ? null : Math.round(100 * row.iou);
    const bar = element("div", { class: `bar ${grade ?? ""}` }, element("div"));
    bar.firstChild.style.width = `${percent ?? 0}%`;
    const told = filled(words.overlap, { n: percent ?? "?", grade: word });
    const number = element(
      "div",
      { class: "number", title: told, "aria-label": told },
      element("span", {}, percent === null ? "–" : `${percent} %`),
      element("span", {}, word)
    );
    return [number, bar];
  }
  again(row, part, makers) {
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
        type: "button",
        class: `retry ${part}`,
        title,
        "aria-label": title,
        disabled: !usable,
        "data-focus": `${part} ${row.id}`,
        onclick: (event) => this.retry(row, part, 1, event.shiftKey)
      },
      n ? `↻ ${n + 1}` : "↻"
    );
    const made = element("div", { class: "again" }, again);
    if (n && usable) {
      const back = filled(words.back, { ...values, n });
      made.prepend(
        element(
          "button",
          {
            type: "button",
            class: `back ${part}`,
            title: back,
            "aria-label": back,
            "data-focus": `back ${part} ${row.id}`,
            onclick: (event) => this.retry(row, part, -1, event.shiftKey)
          },
          "↶"
        )
      );
    }
    return made;
  }
  say(row, makers, review) {
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
          type: "button",
          class: `accept ${state}`,
          "aria-pressed": String(yes),
          title: filled(long, { object }),
          "data-focus": `accept ${row.id}`,
          onclick: () => this.accept(row)
        },
        `✓ ${state === "changed" ? words.changed : words.accept}`
      ),
      element(
        "button",
        {
          type: "button",
          class: `lock ${held}`,
          "aria-pressed": String(held === "all"),
          title: filled(lockLong, { object }),
          disabled: !able,
          "data-focus": `lock ${row.id}`,
          onclick: () => this.lock(row)
        },
        lockWord
      )
    );
  }
  // What the user does.
  retry(row, part, by, later) {
    const makers = this.around.makers();
    if (hold(makers, row) !== "none") return;
    const written2 = retry(makers, part, row.id, by);
    if (!written2) return;
    const { words } = this.around;
    this.tell([written2], later ? words.wroteLater : words.wroteRuns, row);
    if (!later) this.busy.add(row.id);
    this.draw();
    if (!later) this.around.run();
  }
  accept(row) {
    const review = this.around.review();
    this.around.keep(accepted(review, row, acceptance(review, row) !== "yes"));
    this.draw();
  }
  acceptAll(rows) {
    this.around.keep(rows.reduce((review, row) => accepted(review, row, true), this.around.review()));
    this.draw();
  }
  lock(row) {
    const makers = this.around.makers();
    if (!canLock(makers, row)) return;
    const change = hold(makers, row) === "all" ? unlock : lock;
    const { written: written2, review } = change(makers, row, this.around.review());
    this.around.keep(review);
    this.tell(written2, this.around.words.wrote, row);
    this.draw();
  }
  enlarge(row) {
    if (!this.large.delete(row.id)) this.large.add(row.id);
    this.draw();
  }
  hideAccepted(yes) {
    this.hidesAccepted = yes;
    this.draw();
  }
  /** The line below: which widgets were written, each a way to its node. */
  tell(written2, text, row) {
    const { words } = this.around;
    if (!written2.length) {
      this.told = [words.nothing];
      return;
    }
    const [before2, after] = filled(text, { object: this.name(row) }).split("{places}");
    const places = written2.flatMap(({ node, widget }, index) => [
      index ? ", " : "",
      element(
        "button",
        { type: "button", title: words.show, onclick: () => this.around.show(node) },
        `${oneLine(node.title, 40)} #${node.id}: ${widget}`
      )
    ]);
    this.told = [before2 ?? "", ...places, after ?? ""];
  }
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target.closest?.(".row");
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
      next?.focus();
    } else if (part) this.retry(row, part, 1, event.shiftKey);
    else if (key === "a") this.accept(row);
    else if (key === "l") this.lock(row);
    else if (key === "z") this.enlarge(row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
};

// src/strip/node.ts
var NODE = "CASTReviewObjects";
var PROPERTY = "castReview";
var SIZE = [680, 620];
var LOWEST = 220;
var GAP = 60;
function addStrip(app2, node) {
  if (node.constructor?.nodeData?.name !== NODE) return null;
  const properties = node.properties ??= {};
  const view = new StripView({
    words: wordsFor(app2.extensionManager.setting.get("Comfy.Locale")),
    makers: () => makersOf(node),
    url: (picture) => fileURL(app2.api, picture),
    review: () => reviewOf((node.properties ?? properties)[PROPERTY]),
    keep: (review) => {
      (node.properties ??= {})[PROPERTY] = review;
    },
    run: () => {
      void app2.queuePrompt(0, 1).then(
        (queued) => queued === false && view.ended(true),
        () => view.ended(true)
      );
    },
    show: (target) => {
      app2.canvas.centerOnNode?.(target);
      app2.canvas.setDirty(true, true);
    }
  });
  node.addDOMWidget("strip", "cast_strip", view.host, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => LOWEST
  });
  node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);
  const executed = node.onExecuted;
  node.onExecuted = function(output) {
    executed?.call(this, output);
    const strip = stripOf(output);
    if (strip) view.show(strip);
  };
  const failed = () => view.ended(true);
  const ended = () => view.ended(false);
  app2.api.addEventListener("execution_error", failed);
  app2.api.addEventListener("execution_interrupted", ended);
  app2.api.addEventListener("execution_success", ended);
  const removed = node.onRemoved;
  node.onRemoved = function() {
    removed?.call(this);
    app2.api.removeEventListener("execution_error", failed);
    app2.api.removeEventListener("execution_interrupted", ended);
    app2.api.removeEventListener("execution_success", ended);
  };
  return view;
}
function stripMenu(app2, node) {
  if (node.type !== "CASTComposeScene") return [];
  const words = wordsFor(app2.extensionManager.setting.get("Comfy.Locale"));
  return [{ content: words.addStrip, callback: () => void insertStrip(app2, node) }];
}
function insertStrip(app2, scene) {
  const made = globalThis.LiteGraph?.createNode(NODE);
  if (!made) return null;
  made.pos = [scene.pos[0] + scene.size[0] + GAP, scene.pos[1]];
  (app2.canvas.graph ?? app2.graph).add(made);
  scene.connect?.(0, made, "scene");
  app2.canvas.setDirty(true, true);
  return made;
}

// src/strip.ts
var host = app;
app.registerExtension({
  name: "cast.strip",
  nodeCreated: (node) => addStrip(host, node),
  getNodeMenuItems: (node) => stripMenu(host, node)
});
