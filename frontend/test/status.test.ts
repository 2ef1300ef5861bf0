import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Status } from "../src/status/node.ts";
import { clock, copied, piecesOf, refusal, reportOf, secondsLeft, share, type Running } from "../src/status/state.ts";
import { StatusView } from "../src/status/view.ts";
import { statusWords } from "../src/status/words.ts";

const running = (more: Partial<Running> = {}): Running => ({
  node: "7", stage: "mesh", backend: "inflate", done: 3, total: 7, made: 2, reused: 1, label: "chair 2",
  working: ["lamp 4"], download: null, seconds: 12, ...more,
});

// Pure.

test("time is told as people tell it", () => {
  expect([0, 7.9, 754, 3723].map(clock)).toEqual(["0:00", "0:07", "12:34", "1:02:03"]);
});

test("what is left is told by what was made, never by what came from the store", () => {
  expect(secondsLeft(running({ made: 1 }), 60)).toBeNull();
  expect(secondsLeft(running({ made: 2, done: 3, total: 7 }), 60)).toBe(120);
  expect(secondsLeft(running({ done: 7 }), 60)).toBeNull();
});

test("the share is that of the objects, or of the download", () => {
  expect(share(running())).toBeCloseTo(3 / 7);
  expect(share(running({ total: 0 }))).toBeNull();
  expect(share(running({ download: { what: "w", done: 5, total: 10 } }))).toBe(0.5);
});

const pieces = (text: string) => piecesOf(text).filter((p) => p.kind !== "text").map((p) => [p.kind, p.text]);

test("keys, addresses and files in a message can be taken out of it", () => {
  const told =
    "tripo3d is not ready: key TRIPO_API_KEY is missing: get one at https://platform.tripo3d.ai/api-keys and set" +
    " TRIPO_API_KEY in the environment or a .env file (one may lie at /home/me/ComfyUI/user/__cast/.env)";
  expect(pieces(told)).toEqual([
    ["copy", "TRIPO_API_KEY"],
    ["link", "https://platform.tripo3d.ai/api-keys"],
    ["copy", "TRIPO_API_KEY"],
    ["copy", "/home/me/ComfyUI/user/__cast/.env"],
  ]);
  expect(piecesOf(told).map((p) => p.text).join("")).toBe(told);
  expect(copied({ kind: "copy", text: "TRIPO_API_KEY" })).toBe("TRIPO_API_KEY=");
});

test.each([
  ["package mitsuba is missing: pip install mitsuba", "pip install mitsuba"],
  ["it lacks x: pip install 'cast-scene[moge]', then start anew", "pip install 'cast-scene[moge]'"],
  ["x: pip install -U 'transformers>=5.2'", "pip install -U 'transformers>=5.2'"],
  ["pip install dlr-moge==2.0.0 dlr-utils3d==1.3 and more", "pip install dlr-moge==2.0.0 dlr-utils3d==1.3"],
  ["x; run cast fetch IDEA-Research/grounding-dino-base with a network", "cast fetch IDEA-Research/grounding-dino-base"],
  ["get it: hf download Ruicheng/moge-2-vitl-normal.", "hf download Ruicheng/moge-2-vitl-normal"],
])("the command in %j can be copied", (told, command) => {
  expect(pieces(told)[0]?.[1]).toBe(command);
});

test("no text is lost, whatever it is", () => {
  for (const text of ["", "A_B", "pip install ", "https://", "<img src=x>", "\u202eTRIPO", "🪑 C_D 🪑"]) {
    expect(piecesOf(text).map((p) => p.text).join("")).toBe(text);
  }
});

test("a refusal is told in the pack's own sentence", () => {
  expect(refusal([{ message: "Custom validation failed for node", details: "backend - tripo3d is not ready: x" }])).toEqual([
    "tripo3d is not ready: x",
  ]);
  expect(refusal([{ message: "Value 10 smaller than min of 256", details: "max_side" }])).toEqual([
    "Value 10 smaller than min of 256: max_side",
  ]);
  expect(refusal(undefined)).toEqual([]);
});

test("a report of an older run is read as far as it goes", () => {
  expect(reportOf({})).toBeNull();
  expect(reportOf({ cast_report: [{ made: [] }] })).toEqual({ summary: "", cost: "", seconds: 0, failures: [], warnings: [] });
});

// The face.

let time = 100;
const copy = vi.fn(async () => undefined);
const view = () => {
  const made = new StatusView({ words: statusWords("en"), now: () => time, copy, resized: () => undefined });
  document.body.append(made.host);
  return made;
};
const text = (made: StatusView) => made.host.shadowRoot!.querySelector(".all")!.textContent ?? "";

beforeEach(() => {
  time = 100;
  copy.mockClear();
  document.body.replaceChildren();
});

test("it tells stage, object, count and a clock that goes on", () => {
  const made = view();
  made.runs(running());
  expect(text(made)).toBe("Meshlamp 43 of 70:12about 0:24 left");
  time += 3;
  made.tick();
  expect(text(made)).toContain("0:15");
});

test("done, it tells what was made, what it cost and what to mind", () => {
  const made = view();
  made.runs(running());
  made.done({ summary: "6 made, 1 reused", cost: "6 paid at Tripo, about $1.80", seconds: 48.2, failures: ["lamp 4: full"], warnings: ["mind"] });
  expect(text(made)).toBe("6 made, 1 reused0:486 paid at Tripo, about $1.80Failedlamp 4: fullNotemind");
});

test("a cost that the summary tells is not told twice", () => {
  const made = view();
  made.done({ summary: "1 made, 1 paid at Tripo", cost: "1 paid at Tripo", seconds: 0, failures: [], warnings: [] });
  expect(text(made)).toBe("1 made, 1 paid at Tripo");
});

test("messages and names are text, and not endless", () => {
  const made = view();
  made.runs(running({ working: ['<img src=x onerror="alert(1)">', "🪑".repeat(10000)] }));
  made.fails(['<script>alert(1)</script> "javascript:alert(1)" ' + "x".repeat(20000)]);
  expect(made.host.shadowRoot!.querySelectorAll("img, script, a")).toHaveLength(0);
  expect(text(made)).toContain("<script>");
  expect(text(made).length).toBeLessThan(2000);
});

test("a click copies the command", async () => {
  const made = view();
  made.needs("package mitsuba is missing: pip install mitsuba");
  const button = made.host.shadowRoot!.querySelector("button")!;
  button.click();
  expect(copy).toHaveBeenCalledWith("pip install mitsuba");
  await Promise.resolve();
  expect(button.classList).toContain("done");
});

test("what is lacking is told until it is not, and below it what was there before", () => {
  const made = view();
  made.done({ summary: "2 made", cost: "", seconds: 0, failures: [], warnings: [] });
  made.needs("x is not ready");
  expect(text(made)).toContain("x is not ready");
  made.needs("");
  expect(text(made)).toBe("2 made");
});

test("a face that is out of sight keeps its height, and has one from the start", () => {
  const heights: number[] = [];
  const made = new StatusView({ words: statusWords("en"), now: () => 0, copy, resized: (height) => heights.push(height) });
  made.host.getClientRects = () => [] as unknown as DOMRectList;
  made.done({ summary: "2 made", cost: "", seconds: 0, failures: [], warnings: [] });
  expect(heights).toEqual([22]);
  made.measure();
  expect(heights).toEqual([22]);
  made.host.getClientRects = () => [{}] as unknown as DOMRectList;
  Object.defineProperty(made.host.shadowRoot!.querySelector(".all")!, "offsetHeight", { value: 31 });
  made.measure();
  made.host.getClientRects = () => [] as unknown as DOMRectList;
  made.measure();
  expect(heights).toEqual([22, 31]);
});

test("stopped, it says after how long", () => {
  const made = view();
  made.stops();
  expect(made.empty).toBe(true);
  made.runs(running());
  time += 48;
  made.stops();
  expect(text(made)).toContain("Stopped after 1:00");
});

// The nodes.

afterEach(() => vi.unstubAllGlobals());

function graph() {
  vi.stubGlobal("ResizeObserver", class { observe() {} });
  vi.useFakeTimers();
  const nodes = new Map<string, Record<string, unknown>>();
  const add = (id: string, type: string, widgets: unknown[] = []) => {
    const node = {
      id, type, widgets: [...widgets], size: [200, 100], constructor: { nodeData: { name: type } },
      host: null as HTMLElement | null, saved: undefined as unknown,
      addDOMWidget(name: string, _type: string, host: HTMLElement) {
        const widget = { name };
        node.host = host;
        node.widgets.push((node.saved = widget));
        return widget;
      },
      setSize: vi.fn(), setDirtyCanvas: vi.fn(),
    };
    nodes.set(id, node as never);
    return node as typeof node & { onExecuted?: (o: unknown) => void; onRemoved?: () => void };
  };
  let answer: Promise<unknown> = Promise.resolve({ prompt_id: "p" });
  const api = Object.assign(new EventTarget(), {
    queuePrompt: (..._all: unknown[]) => answer,
    apiURL: (route: string) => `/api${route}`,
    fetchApi: async () => ({ ok: true, json: async () => ({ CASTMesh: { tripo3d: "tripo3d is not ready: x" } }) }),
  });
  const app = { api, graph: { getNodeById: (id: string) => nodes.get(String(id)) }, extensionManager: { setting: { get: () => "en" } } };
  const status = new Status(app as never);
  const told = (node: { host: HTMLElement | null }) => node.host?.shadowRoot!.querySelector(".all")!.textContent ?? null;
  const say = (name: string, detail: unknown) => api.dispatchEvent(new CustomEvent(name, { detail }));
  return { add, api, app, status, told, say, answers: (next: Promise<unknown>) => (answer = next) };
}

test("events reach the node they are about, also within a subgraph", () => {
  const { add, status, told, say } = graph();
  status.listen();
  const [mesh, other, holder] = [add("7", "CASTMesh"), add("8", "CASTDepth"), add("12", "a subgraph")];
  const inner = add("12/5", "CASTMesh");
  (holder as unknown as { subgraph: unknown }).subgraph = { getNodeById: (id: unknown) => (String(id) === "5" ? inner : null) };
  say("cast.status", running());
  say("cast.status", running({ node: "12:5", working: ["table 1"] }));
  expect(told(mesh)).toContain("lamp 4");
  expect(told(inner)).toContain("table 1");
  expect(told(other)).toBeNull();
  say("execution_error", { node_id: "7", exception_message: "lamp 4: the service was full\n" });
  expect(told(mesh)).toBe("Failedlamp 4: the service was full");
  expect(told(inner)).toContain("Stopped");
});

test("nodes of others get no face", () => {
  const { add, status, told, say } = graph();
  status.listen();
  const sampler = add("3", "KSampler");
  say("execution_error", { node_id: "3", exception_message: "x" });
  expect(told(sampler)).toBeNull();
});

test("a refusal is told on its node, and the next try clears it", async () => {
  const { add, api, status, told, answers } = graph();
  status.listen();
  const mesh = add("7", "CASTMesh");
  const refused = { response: { node_errors: { 7: { class_type: "CASTMesh", errors: [{ message: "m", details: "backend - no key" }] } } } };
  answers(Promise.reject(refused));
  await expect(api.queuePrompt(0, {})).rejects.toBe(refused);
  await vi.waitFor(() => expect(told(mesh)).toContain("no key"));
  answers(Promise.resolve({ prompt_id: "p" }));
  await api.queuePrompt(0, {});
  await vi.waitFor(() => expect(told(mesh)).toBe(""));
});

test("what a chosen backend lacks is told before anything runs", async () => {
  const { add, status, told } = graph();
  const widget = { name: "backend", value: "library", callback: vi.fn() };
  const before = widget.callback;
  const mesh = add("7", "CASTMesh", [widget]);
  status.follow(mesh as never);
  await status.ask();
  expect(told(mesh)).toBeNull();
  widget.value = "tripo3d";
  (widget.callback as unknown as (v: unknown) => void)("tripo3d");
  expect(before).toHaveBeenCalledWith("tripo3d");
  expect(told(mesh)).toContain("tripo3d is not ready: x");
  widget.value = "library";
  (widget.callback as unknown as (v: unknown) => void)("library");
  expect(told(mesh)).toBe("");
});

test("the report of a run is shown, and the face is not saved", () => {
  const { add, status, told } = graph();
  const mesh = add("7", "CASTMesh");
  status.follow(mesh as never);
  mesh.onExecuted!({ cast_report: [{ summary: "6 made, 1 reused", seconds: 2 }] });
  expect(told(mesh)).toBe("6 made, 1 reused0:02");
  expect(mesh.saved).toMatchObject({ serialize: false });
  mesh.onRemoved!();
});

test("files that a node has written can be fetched from the server, whatever they are called", () => {
  const { add, status } = graph();
  const save = add("9", "CASTSaveScene");
  status.follow(save as never);
  const evil = '../<img src=x onerror="hurt()">&type=input#.glb';
  const files = ["report.html", evil].map((filename) => ({ filename, subfolder: "CAST/scene_00001_", type: "output" }));
  save.onExecuted!({ cast_files: [...files, { filename: 3 }, null] });
  const root = save.host!.shadowRoot!;
  const links = [...root.querySelectorAll<HTMLAnchorElement>("a")];
  expect(links.map((link) => link.textContent)).toEqual(["report.html", evil]);
  expect(links[0]!.getAttribute("href")).toBe("/api/view?filename=report.html&subfolder=CAST%2Fscene_00001_&type=output");
  const asked = new URL(links[1]!.getAttribute("href")!, "http://server").searchParams;
  expect(Object.fromEntries(asked)).toEqual({ filename: evil, subfolder: "CAST/scene_00001_", type: "output" });
  expect(root.querySelector(".strong")!.textContent).toBe("CAST/scene_00001_");
  expect(root.querySelector("img")).toBeNull();
});

test("the face stands above the pictures that came before it", () => {
  const { add, status } = graph();
  const mesh = add("7", "CASTMesh", [{ name: "retry" }, { name: "$$canvas-image-preview" }]);
  status.follow(mesh as never);
  mesh.onExecuted!({ cast_report: [{ summary: "6 made", seconds: 2 }] });
  const names = (mesh.widgets as { name: string }[]).map((widget) => widget.name);
  expect(names).toEqual(["retry", "cast_status", "$$canvas-image-preview"]);
});

test("the picture of a node's work goes when its result is there, where ComfyUI lets it", () => {
  const { add, app, status, say } = graph();
  const revoke = vi.fn();
  Object.assign(app.extensionManager, { _p: { _s: new Map([["nodeOutput", { revokePreviewsByExecutionId: revoke }]]) } });
  status.listen();
  add("7", "CASTMesh");
  add("8", "KSampler");
  say("executed", { node: "7", output: {} });
  say("executed", { node: "8", output: {} });
  expect(revoke.mock.calls).toEqual([["7"]]);
  Object.assign(app.extensionManager, { _p: {} });
  expect(() => say("executed", { node: "7", output: {} })).not.toThrow();
});
