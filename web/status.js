// Built from frontend/src by `make web`; change it there.

// src/status.ts
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
function isOurs(name) {
  return name?.startsWith("CAST") ?? false;
}
function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

// src/status/state.ts
function reportOf(output) {
  const found = output?.cast_report?.[0];
  if (!found || typeof found !== "object") return null;
  const list = (value) => Array.isArray(value) ? value.map(String) : [];
  return {
    summary: String(found.summary ?? ""),
    cost: String(found.cost ?? ""),
    seconds: Number(found.seconds ?? 0),
    failures: list(found.failures),
    warnings: list(found.warnings)
  };
}
function filesOf(output) {
  const found = output?.cast_files;
  if (!Array.isArray(found)) return [];
  return found.flatMap(
    (file) => typeof file?.filename === "string" ? [{ filename: file.filename, subfolder: String(file.subfolder ?? ""), type: String(file.type ?? "output") }] : []
  );
}
function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
var ENOUGH_MADE = 2;
function secondsLeft(running, elapsed) {
  const left = running.total - running.done;
  if (running.made < ENOUGH_MADE || left <= 0) return null;
  return elapsed / running.made * left;
}
function share(running) {
  const { done, total } = running.download ?? running;
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : null;
}
var PATTERNS = [
  ["link", /https?:\/\/[^\s"'<>|]*[^\s"'<>|.,;:)\]]/y],
  ["copy", /(?:python -m )?pip install (?:-[\w-]+ )*(?:'[^']*'|"[^"]*"|[\w.\-[\]=<>~,]*[\w\]])(?: (?:'[^']*'|"[^"]*"|--?[\w-]+|(?!and\b|or\b|then\b|to\b)[\w.\-[\]=<>~]*[=[\]][\w.\-[\]=<>~]*[\w\]]))*/y],
  ["copy", /cast fetch(?: [\w-]+\/[\w.-]*[\w])*/y],
  ["copy", /(?:huggingface-cli|hf) download [\w./-]*[\w]/y],
  ["copy", /(?:\/|[A-Z]:\\)[\w.\-/\\ ]*\.env\b/y],
  ["copy", /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/y]
];
function piecesOf(message) {
  const pieces = [];
  let text = "";
  for (let at = 0; at < message.length; ) {
    const found = PATTERNS.map(([kind, pattern]) => {
      pattern.lastIndex = at;
      return { kind, text: pattern.exec(message)?.[0] ?? "" };
    }).find((piece) => piece.text);
    if (!found) {
      text += message[at++];
      continue;
    }
    if (text) pieces.push({ kind: "text", text });
    text = "";
    pieces.push(found);
    at += found.text.length;
  }
  if (text) pieces.push({ kind: "text", text });
  return pieces;
}
function copied(piece) {
  return /^[A-Z][A-Z0-9_]*$/.test(piece.text) ? `${piece.text}=` : piece.text;
}
function refusal(errors) {
  if (!Array.isArray(errors)) return [];
  const told = errors.map((error) => {
    const details = String(error?.details ?? "").trim();
    const sentence = /^\S+ - (.+)$/s.exec(details)?.[1];
    return sentence ?? [String(error?.message ?? "").trim(), details].filter(Boolean).join(": ");
  });
  return [...new Set(told.filter(Boolean))];
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
function shadowWith(host, css) {
  const root = host.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css;
  root.append(style);
  return root;
}

// src/strip/words.ts
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (gap, name) => String(values[name] ?? gap));
}

// src/status/status.css
var status_default = ':host { display: block; overflow: hidden; color: var(--fg-color, #ddd); font: 11px/1.4 system-ui, sans-serif;\n  --line: var(--border-color, #4e4e4e); --quiet: var(--descrip-text, #999); --good: #3f9c5a; --fair: #c9922e; --poor: #d9574a; --mark: #2f7fd8; }\n* { box-sizing: border-box; }\n.all { display: flex; flex-direction: column; gap: 3px; padding: 2px 10px 4px; }\n.all:empty { display: none; }\n.line { display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; }\n.line > * { overflow-wrap: anywhere; min-width: 0; }\n.strong { font-weight: 600; }\n.quiet { color: var(--quiet); }\n.cost { color: var(--fair); font-weight: 600; }\n.bar { height: 4px; border-radius: 2px; background: var(--comfy-input-bg, #222); overflow: hidden; }\n.bar > div { height: 100%; background: var(--mark); transition: width .2s; }\n.bar.unknown > div { width: 30%; animation: go 1.2s ease-in-out infinite alternate; }\n@keyframes go { from { margin-left: 0; } to { margin-left: 70%; } }\n@media (prefers-reduced-motion: reduce) { .bar.unknown > div { animation: none; } }\n.message { padding: 2px 6px; border-left: 3px solid var(--line); overflow-wrap: anywhere; white-space: pre-line;\n  max-height: 18em; overflow-y: auto; scrollbar-width: thin; }\n.message.bad { border-left-color: var(--poor); }\n.message.warn { border-left-color: var(--fair); }\n.message b { margin-right: 4px; }\nbutton, a { font: inherit; color: inherit; background: var(--comfy-input-bg, #222); border: 1px solid var(--line);\n  border-radius: 4px; padding: 0 4px; cursor: pointer; text-decoration: none; overflow-wrap: anywhere; text-align: left; }\na.file::before { content: "↓"; margin-right: 4px; color: var(--quiet); }\nbutton::after { content: ""; display: inline-block; width: 7px; height: 8px; margin: 0 1px 0 5px; border: 1px solid var(--quiet);\n  border-radius: 2px; box-shadow: 2px -2px 0 -1px var(--comfy-input-bg, #222), 2px -2px 0 0 var(--quiet); }\nbutton.done::after { border-color: var(--good); background: var(--good); }\nbutton:focus-visible, a:focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }\n';

// src/status/view.ts
var MOST_NAMES = 3;
var MOST_LINES = 5;
var LONGEST = 1500;
var LONGEST_NAME = 40;
var TOLD_MS = 1500;
var GUESSED_LINE = 22;
var StatusView = class {
  constructor(around) {
    this.around = around;
    this.host.className = "cast-status";
    this.host.setAttribute("role", "group");
    this.host.setAttribute("aria-label", around.words.status);
    shadowWith(this.host, status_default).append(this.all);
    this.host.addEventListener("wheel", (event) => {
      const message = event.composedPath()[0].closest?.(".message");
      if (!event.ctrlKey && message && message.scrollHeight > message.clientHeight) event.stopPropagation();
    });
  }
  around;
  host = document.createElement("div");
  all = element("div", { class: "all" });
  running = null;
  since = 0;
  report = null;
  files = [];
  problems = [];
  how = "refused";
  lacks = "";
  stopped = "";
  height = 0;
  get isRunning() {
    return this.running !== null;
  }
  /** There is nothing to be seen. */
  get empty() {
    return !this.all.firstChild;
  }
  runs(running) {
    this.since = this.around.now() - running.seconds;
    this.running = running;
    this.problems = [];
    this.stopped = "";
    this.draw();
  }
  done(report) {
    this.running = null;
    this.report = report;
    this.problems = [];
    this.stopped = "";
    this.draw();
  }
  /** It has written files, which can be taken from the server. */
  wrote(files) {
    this.running = null;
    this.files = files;
    this.problems = [];
    this.draw();
  }
  /** Why it was not let run, or has failed while it did; [] for neither. */
  fails(problems, how = "refused") {
    this.running = null;
    this.stopped = "";
    this.problems = problems;
    this.how = how;
    this.draw();
  }
  stops() {
    if (!this.running) return;
    this.stopped = filled(this.around.words.stopped, { time: clock(this.around.now() - this.since) });
    this.running = null;
    this.draw();
  }
  /** What the chosen backend lacks; "" for nothing. */
  needs(sentence) {
    if (sentence === this.lacks) return;
    this.lacks = sentence;
    this.draw();
  }
  /** Shows the time that has passed. */
  tick() {
    if (this.running) this.draw();
  }
  draw() {
    const { words } = this.around;
    const shown = [];
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
  work(running) {
    const { words } = this.around;
    const elapsed = this.around.now() - this.since;
    const stage = words[running.stage] ?? running.stage;
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
    if (part !== null) bar.firstChild.style.width = `${100 * part}%`;
    return [line, bar];
  }
  result(report) {
    const { words } = this.around;
    const [first, ...rest] = report.summary.split("\n");
    const line = element("div", { class: "line" }, element("span", { class: "strong" }, oneLine(first, 160)));
    if (report.seconds >= 1) line.append(element("span", { class: "quiet" }, clock(report.seconds)));
    if (report.cost && !report.summary.includes(report.cost)) {
      line.append(element("span", { class: "cost" }, oneLine(report.cost, 200)));
    }
    const shown = [line];
    if (rest.length) shown.push(this.message("", "", rest.join("\n")));
    if (report.failures.length) shown.push(this.message("bad", words.failed, report.failures.join("\n")));
    if (report.warnings.length) shown.push(this.message("warn", words.warning, report.warnings.join("\n")));
    return shown;
  }
  /** The folder, and each file to be fetched. */
  written() {
    const { words } = this.around;
    const folder = element("span", { class: "strong" }, oneLine(this.files[0].folder, 160));
    const links = this.files.map(({ name, url }) => {
      const title = filled(words.fetch, { name: oneLine(name, 80) });
      return element("a", { href: url, download: name, title, class: "file" }, oneLine(name, 80));
    });
    return element("div", { class: "line" }, folder, ...links);
  }
  message(kind, title, text) {
    const letters = Array.from(text);
    const plain = letters.length > LONGEST ? `${letters.slice(0, LONGEST).join("")}…` : text;
    const made = element("div", { class: `message ${kind}`, role: kind === "bad" ? "alert" : void 0 });
    if (title) made.append(element("b", {}, title));
    made.append(...piecesOf(plain).map((piece) => this.piece(piece)));
    return made;
  }
  piece(piece) {
    const { words } = this.around;
    if (piece.kind === "text") return document.createTextNode(piece.text);
    if (piece.kind === "link") {
      const title2 = filled(words.open, { text: piece.text });
      return element("a", { href: piece.text, target: "_blank", rel: "noopener noreferrer", title: title2 }, piece.text);
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
  measure() {
    const hidden = !this.host.getClientRects().length;
    const guess = this.height || this.all.childElementCount * GUESSED_LINE;
    const height = !this.all.firstChild ? 0 : hidden ? guess : this.all.offsetHeight;
    if (height === this.height) return;
    this.height = height;
    this.around.resized(height);
  }
};

// src/status/words.ts
var EN = {
  detect: "Detect",
  filter: "Filter",
  depth: "Depth",
  inpaint: "View",
  mesh: "Mesh",
  register: "Placement",
  compose: "Scene",
  count: "{done} of {total}",
  working: "{names}",
  more: "and {n} more",
  left: "about {time} left",
  download: "Download {what}: {done} of {total}",
  stopped: "Stopped after {time}; what was finished is kept.",
  copy: "Copy “{text}”",
  copied: "Copied",
  open: "Open {text}",
  fetch: "Download {name}",
  notReady: "Not ready",
  failed: "Failed",
  warning: "Note",
  refused: "Cannot run",
  status: "Status of this node"
};
var ZH = {
  detect: "检测",
  filter: "筛选",
  depth: "深度",
  inpaint: "视图",
  mesh: "网格",
  register: "位姿",
  compose: "场景",
  count: "{done} / {total}",
  working: "{names}",
  more: "另有 {n} 个",
  left: "约剩 {time}",
  download: "下载 {what}：{done} / {total}",
  stopped: "{time} 后停止，已完成的都保留。",
  copy: "复制“{text}”",
  copied: "已复制",
  open: "打开 {text}",
  fetch: "下载 {name}",
  notReady: "尚不可用",
  failed: "失败",
  warning: "注意",
  refused: "无法运行",
  status: "此节点的状态"
};
function statusWords(language) {
  return String(language ?? "").startsWith("zh") ? ZH : EN;
}

// src/status/node.ts
var EXTRA = 6;
var PICTURES = "$$canvas-image-preview";
var Status = class {
  constructor(app2) {
    this.app = app2;
  }
  app;
  views = /* @__PURE__ */ new Map();
  needs = {};
  /** Listens to the server. */
  listen() {
    const { api } = this.app;
    const on = (name, heard) => api.addEventListener(name, (event) => heard(event.detail ?? {}));
    on("cast.status", (detail) => {
      const running = detail;
      this.of(running.node)?.runs(running);
    });
    on("executed", ({ node, display_node }) => {
      const id = String(display_node ?? node);
      if (this.nodeOf(id)?.type.startsWith("CAST")) forgetLivePicture(this.app, id);
    });
    on("execution_error", ({ node_id, exception_message }) => {
      const told = String(exception_message ?? "").trim();
      if (told) this.of(node_id)?.fails([told], "failed");
      this.stopAll();
    });
    on("execution_interrupted", () => this.stopAll());
    on("execution_start", () => this.forgetProblems());
    const asked = api.queuePrompt;
    api.queuePrompt = (...all) => {
      const answer = asked.apply(api, all);
      answer.then(
        ({ node_errors }) => this.refused(node_errors),
        (error) => this.refused(error.response?.node_errors)
      );
      return answer;
    };
    setInterval(() => {
      for (const view of this.views.values()) view.tick();
    }, 1e3);
  }
  /** Asks the server what the backends lack. */
  async ask() {
    try {
      const answer = await this.app.api.fetchApi("/cast/needs");
      if (answer.ok) this.needs = await answer.json();
    } catch {
      return;
    }
    for (const node of this.nodes) this.lacks(node);
  }
  nodes = /* @__PURE__ */ new Set();
  /** Looks after a node of the pack. */
  follow(node) {
    const executed = node.onExecuted;
    const status2 = this;
    node.onExecuted = function(output) {
      executed?.call(this, output);
      const report = reportOf(output);
      if (report) status2.view(this).done(report);
      const files = filesOf(output);
      if (files.length) status2.view(this).wrote(files.map((file) => status2.toFetch(file)));
    };
    const removed = node.onRemoved;
    node.onRemoved = function() {
      removed?.call(this);
      status2.views.delete(this);
      status2.nodes.delete(this);
    };
    const backend = widgetOf(node, "backend");
    if (!backend) return;
    this.nodes.add(node);
    const chosen = backend.callback;
    backend.callback = (value, ...rest) => {
      chosen?.call(backend, value, ...rest);
      this.lacks(node);
    };
    const configured = node.onConfigure;
    node.onConfigure = function(info) {
      configured?.call(this, info);
      status2.lacks(this);
    };
    queueMicrotask(() => this.lacks(node));
  }
  toFetch(file) {
    return { name: file.filename, folder: file.subfolder, url: fileURL(this.app.api, file) };
  }
  lacks(node) {
    const name = node.constructor.nodeData?.name ?? "";
    const told = this.needs[name]?.[String(widgetOf(node, "backend")?.value ?? "")] ?? "";
    if (told || this.views.has(node)) this.view(node).needs(told);
  }
  refused(errors) {
    this.forgetProblems();
    for (const [id, { errors: found, class_type }] of Object.entries(errors ?? {})) {
      const told = refusal(found);
      if (told.length && class_type?.startsWith("CAST")) this.of(id)?.fails(told);
    }
  }
  forgetProblems() {
    for (const view of this.views.values()) if (!view.isRunning) view.fails([]);
  }
  stopAll() {
    for (const view of this.views.values()) view.stops();
  }
  /** The face of the node that an execution names: "12", or "12:5" for node 5 within node 12. */
  of(id) {
    const node = this.nodeOf(id);
    return node?.type.startsWith("CAST") ? this.view(node) : null;
  }
  nodeOf(id) {
    let graph = this.app.rootGraph ?? this.app.graph;
    let node = null;
    for (const part of String(id ?? "").split(":")) {
      node = graph?.getNodeById(part) ?? graph?.getNodeById(Number(part));
      graph = node?.subgraph;
    }
    return node;
  }
  view(node) {
    const known = this.views.get(node);
    if (known) return known;
    let height = 0;
    const made = new StatusView({
      words: statusWords(this.app.extensionManager.setting.get("Comfy.Locale")),
      now: () => performance.now() / 1e3,
      copy: (text) => copy(text),
      resized: (now) => {
        const change = wanted(now) - wanted(height);
        height = now;
        node.setSize([node.size[0], node.size[1] + change]);
        node.setDirtyCanvas(true, true);
      }
    });
    const widget = node.addDOMWidget("cast_status", "cast_status", made.host, {
      serialize: false,
      hideOnZoom: false,
      margin: 0,
      getMinHeight: () => wanted(height),
      getMaxHeight: () => wanted(height),
      getHeight: () => wanted(height)
    });
    widget.serialize = false;
    beforePictures(node, widget);
    new ResizeObserver(() => made.measure()).observe(made.host);
    this.views.set(node, made);
    return made;
  }
};
function forgetLivePicture(app2, id) {
  const { _p: stores } = app2.extensionManager;
  stores?._s?.get("nodeOutput")?.revokePreviewsByExecutionId?.(id);
}
function beforePictures(node, widget) {
  const { widgets = [] } = node;
  const at = widgets.findIndex(({ name }) => name === PICTURES);
  if (at < 0) return;
  widgets.splice(widgets.indexOf(widget), 1);
  widgets.splice(at, 0, widget);
}
var wanted = (height) => height ? height + EXTRA : 0;
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

// src/status.ts
var status = new Status(app);
app.registerExtension({
  name: "cast.status",
  setup() {
    status.listen();
    void status.ask();
  },
  nodeCreated(node) {
    if (isOurs(node.constructor?.nodeData?.name)) status.follow(node);
  }
});
