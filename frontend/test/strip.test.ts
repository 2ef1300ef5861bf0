import { beforeEach, expect, test, vi } from "vitest";
import { attempt, hold, lock, retry, unlock } from "../src/strip/deeds.ts";
import { before, makersOf, type Graph, type LinkedNode, type Makers } from "../src/strip/makers.ts";
import { addStrip, insertStrip, PROPERTY, stripMenu } from "../src/strip/node.ts";
import {
  acceptance,
  accepted,
  poseLocked,
  readLocks,
  readRetries,
  reviewOf,
  stripOf,
  withLock,
  withPoseLocked,
  withPoseUnlocked,
  withRetry,
  type Row,
  type Strip,
} from "../src/strip/state.ts";
import { StripView } from "../src/strip/view.ts";
import { filled, wordsFor } from "../src/strip/words.ts";

const KEY = "5f2a".repeat(16);
const OTHER = "09bc".repeat(16);
const POSE = { position: [1.234567, 0, -2], rotation_deg: [0, 45.00001, 0], scale: 1.2 };

const row = (id: number, more: Partial<Row> = {}): Row => ({
  id,
  label: "chair",
  occlusion: 0,
  made: `made ${id}`,
  picture: { filename: `${id}.webp`, subfolder: "cast_rows", type: "temp" },
  tiles: ["crop", "view", "mesh", "fit"],
  mesh: "chair_001",
  candidates: 1,
  iou: 0.8,
  grade: "good",
  ambiguous: false,
  failures: {},
  locks: { view: KEY, mesh: OTHER },
  pose: POSE,
  ...more,
});

// A graph as LiteGraph has it, as far as the strip looks at it.

interface Description {
  id: number;
  type: string;
  inputs?: Record<string, [from: number, slot: number] | null>;
  widgets?: Record<string, unknown>;
  mode?: number;
  subgraph?: Graph;
}

function graphOf(nodes: Description[], extra: Record<number, { origin_id: number; origin_slot: number }> = {}): Graph {
  const links = new Map<number, { origin_id: number; origin_slot: number }>(
    Object.entries(extra).map(([id, link]) => [Number(id), link]),
  );
  const graph: Graph = {
    nodes: [],
    getLink: (id) => links.get(id),
    getNodeById: (id) => graph.nodes.find((node) => node.id === id),
  };
  let next = 100;
  graph.nodes = nodes.map((given) => ({
    id: given.id,
    type: given.type,
    title: given.type,
    mode: given.mode ?? 0,
    graph,
    subgraph: given.subgraph,
    inputs: Object.entries(given.inputs ?? {}).map(([name, from]) => {
      if (!from) return { name, link: null };
      links.set(++next, { origin_id: from[0], origin_slot: from[1] });
      return { name, link: next };
    }),
    widgets: Object.entries(given.widgets ?? {}).map(([name, value]) => ({ name, value })),
    setDirtyCanvas: () => undefined,
  })) as unknown as LinkedNode[];
  return graph;
}

const MAKERS: Description[] = [
  { id: 1, type: "CASTInpaint", widgets: { retry: "", locked: "" } },
  { id: 2, type: "CASTMesh", inputs: { views: [1, 0] }, widgets: { retry: "4:2", locked: "" } },
  { id: 3, type: "CASTRegister", inputs: { meshes: [2, 0] }, widgets: { retry: "" } },
  {
    id: 4, type: "CASTComposeScene",
    inputs: { views: [1, 0], meshes: [2, 0], placements: [3, 0] }, widgets: { edits: "" },
  },
];
const STRIP: Description = { id: 5, type: "CASTReviewObjects", inputs: { scene: [4, 0] } };

function chain(): { graph: Graph; makers: Makers; node(id: number): LinkedNode } {
  const graph = graphOf([...structuredClone(MAKERS), STRIP]);
  const node = (id: number) => graph.getNodeById(id) as LinkedNode;
  return { graph, makers: makersOf(node(5)), node };
}

const value = (node: LinkedNode, name: string) => node.widgets?.find((w) => w.name === name)?.value;
const names = (makers: Makers) =>
  (["view", "mesh", "pose"] as const).map((part) => {
    const maker = makers[part];
    return "node" in maker ? maker.node.type : maker.reason;
  });

// Texts.

test("the retry text is read as the nodes read it", () => {
  expect([...readRetries(" 2, 5:3;\n7 : 1, chair")]).toEqual([[2, 1], [5, 3], [7, 1]]);
  expect(readRetries(undefined).size).toBe(0);
});

test("a raised counter leaves the others, and zero takes the object out", () => {
  expect(withRetry("2, 5:3", 5, 4)).toBe("2:1, 5:4");
  expect(withRetry("2, 5:3", 9, 1)).toBe("2:1, 5:3, 9:1");
  expect(withRetry("2, 5:3", 2, 0)).toBe("5:3");
  expect(withRetry("2", 2, 0)).toBe("");
});

test("the lock text holds whole keys only", () => {
  expect(withLock(`3:${KEY}`, 5, OTHER)).toBe(`3:${KEY}, 5:${OTHER}`);
  expect(withLock(`3:${KEY}, 5:${OTHER}`, 3, null)).toBe(`5:${OTHER}`);
  expect(readLocks("3:short, x").size).toBe(0);
});

test("a locked pose is written in full, and unlocking takes back only what locking wrote", () => {
  const locked = withPoseLocked('{"1": {"on": 2}}', 3, POSE);
  expect(JSON.parse(locked)).toEqual({
    1: { on: 2 },
    3: { position: [1.23457, 0, -2], rotation_deg: [0, 45, 0], scale: 1.2, locked: true },
  });
  expect(poseLocked(locked, 3)).toBe(true);
  expect(poseLocked(locked, 1)).toBe(false);
  expect(withPoseUnlocked(locked, 3, false)).toBe('{"1":{"on":2}}');
  expect(withPoseUnlocked(withPoseLocked("", 3, POSE), 3, false)).toBe("");
});

test("a pose by hand stays when its object is locked and unlocked", () => {
  const byHand = '{"3":{"position":[9,9,9]}}';
  const locked = withPoseLocked(byHand, 3, POSE);
  expect(JSON.parse(locked)[3]).toEqual({ position: [9, 9, 9], locked: true });
  expect(withPoseUnlocked(locked, 3, true)).toBe(byHand);
});

test("edits that are no JSON are the user's and not touched", () => {
  const { makers, node } = chain();
  node(4).widgets!.find((w) => w.name === "edits")!.value = "{not yet";
  lock(makers, row(3), reviewOf(null));
  expect(value(node(4), "edits")).toBe("{not yet");
  expect(value(node(2), "locked")).toContain("3:");
});

// Acceptance.

test("an object is accepted as it was: what changes afterwards says so", () => {
  const review = accepted(reviewOf(undefined), row(3), true);
  expect(acceptance(review, row(3))).toBe("yes");
  expect(acceptance(review, row(3, { made: "another" }))).toBe("changed");
  expect(acceptance(accepted(review, row(3), false), row(3))).toBe("no");
});

test("a review out of a workflow holds nothing but a review", () => {
  expect(reviewOf({ accepted: { 3: "a", __proto__: "b", x: "c", 4: 5 }, posedByHand: [1, "2"] })).toEqual({
    accepted: { 3: "a" },
    posedByHand: [1],
  });
  expect(reviewOf("rubbish")).toEqual({ accepted: {}, posedByHand: [] });
});

test("an output without rows is no strip", () => {
  expect(stripOf(undefined)).toBeNull();
  expect(stripOf({ cast_strip: [{}] })).toBeNull();
  expect(stripOf({ cast_strip: [{ rows: [] }] })?.rows).toEqual([]);
});

// The way to the nodes that made it.

test("behind a scene the makers are those of its sockets", () => {
  const { makers } = chain();
  expect(names(makers)).toEqual(["CASTInpaint", "CASTMesh", "CASTRegister"]);
  expect(makers.compose?.id).toBe(4);
});

test("without a scene the strip's own sockets tell, as far as they go", () => {
  const graph = graphOf([...MAKERS, { id: 5, type: "CASTReviewObjects", inputs: { scene: null, views: [1, 0] } }]);
  const makers = makersOf(graph.getNodeById(5)!);
  expect(names(makers)).toEqual(["CASTInpaint", "nothing connected", "nothing connected"]);
  expect(makers.compose).toBeNull();
});

test("nodes that change one object, and other people's graphs, are passed", () => {
  const graph = graphOf([
    { id: 1, type: "CASTObjectsToImages", widgets: { retry: "" } },
    { id: 2, type: "CASTGatherViews", inputs: { order: [1, 1] } },
    { id: 3, type: "CASTOverrideView", inputs: { views: [2, 0] } },
    { id: 4, type: "CASTMeshesFromFile3D", inputs: { order: null } },
    { id: 6, type: "Reroute", inputs: { "": [3, 0] } },
    { id: 5, type: "CASTReviewObjects", inputs: { views: [6, 0], meshes: [4, 0] } },
  ]);
  const makers = makersOf(graph.getNodeById(5)!);
  expect(names(makers)).toEqual(["CASTObjectsToImages", "not made here", "nothing connected"]);
  expect("node" in makers.view && makers.view.canLock).toBe(false);
});

test("a maker that is switched off, or whose retry is connected, is not written", () => {
  const off = structuredClone(MAKERS);
  off[1]!.mode = 4;
  off[2]!.inputs!.retry = [1, 0];
  const graph = graphOf([...off, STRIP]);
  expect(names(makersOf(graph.getNodeById(5)!))).toEqual(["CASTInpaint", "off", "linked"]);
});

test("links lead into subgraphs and out of them", () => {
  const inner = graphOf(MAKERS, { 7: { origin_id: 4, origin_slot: 0 } });
  (inner as { outputs?: unknown }).outputs = [{ linkIds: [7] }];
  const outer = graphOf([{ id: 50, type: "a subgraph", subgraph: inner }, { ...STRIP, inputs: { scene: [50, 0] } }]);
  expect(names(makersOf(outer.getNodeById(5)!))).toEqual(["CASTInpaint", "CASTMesh", "CASTRegister"]);

  const within = graphOf([{ ...STRIP, inputs: { scene: [-10, 0] } }]);
  const holder = graphOf([...MAKERS, { id: 60, type: "a subgraph", subgraph: within, inputs: { scene: [4, 0] } }]);
  within.rootGraph = holder;
  expect(before(within.getNodeById(5)!, "scene")?.id).toBe(4);
});

test("links that lead in a circle end", () => {
  const graph = graphOf([
    { id: 1, type: "CASTOverrideView", inputs: { views: [1, 0] } },
    { id: 5, type: "CASTReviewObjects", inputs: { views: [1, 0] } },
  ]);
  expect(names(makersOf(graph.getNodeById(5)!))[0]).toBe("nothing connected");
});

// Deeds.

test("retry raises one object's counter in one node, and back lowers it", () => {
  const { makers, node } = chain();
  expect(attempt(makers, "mesh", 4)).toBe(2);
  retry(makers, "mesh", 3, 1);
  expect(value(node(2), "retry")).toBe("4:2, 3:1");
  retry(makers, "mesh", 4, 1);
  retry(makers, "mesh", 3, -1);
  expect(value(node(2), "retry")).toBe("4:3");
  expect(value(node(1), "retry")).toBe("");
  expect(value(node(3), "retry")).toBe("");
});

test("a lock holds view, mesh and pose, and unlocking leaves no trace", () => {
  const { makers, node } = chain();
  const one = row(3);
  expect(hold(makers, one)).toBe("none");
  const locked = lock(makers, one, reviewOf(null));
  expect(locked.written.map((w) => `${w.node.id} ${w.widget}`)).toEqual(["1 locked", "2 locked", "4 edits"]);
  expect(value(node(1), "locked")).toBe(`3:${KEY}`);
  expect(value(node(2), "locked")).toBe(`3:${OTHER}`);
  expect(hold(makers, one)).toBe("all");
  expect(hold(makers, row(4))).toBe("none");
  unlock(makers, one, locked.review);
  expect([value(node(1), "locked"), value(node(2), "locked"), value(node(4), "edits")]).toEqual(["", "", ""]);
});

test("a lock on the pose alone is part of a lock; a pose by hand outlives it", () => {
  const { makers, node } = chain();
  const edits = node(4).widgets!.find((w) => w.name === "edits")!;
  edits.value = '{"3":{"position":[9,9,9]}}';
  expect(hold(makers, row(3))).toBe("part");
  const locked = lock(makers, row(3), reviewOf(null));
  const twice = lock(makers, row(3), locked.review);
  unlock(makers, row(3), twice.review);
  expect(edits.value).toBe('{"3":{"position":[9,9,9]}}');
});

// The page.

let reviewed = reviewOf(null);
const run = vi.fn();
const shown = vi.fn();

function view(rows: Row[], makers = chain().makers, dropped: Strip["dropped"] = []): StripView {
  const made = new StripView({
    words: wordsFor("en"),
    makers: () => makers,
    url: (picture) => `/view?filename=${encodeURIComponent(picture.filename)}`,
    review: () => reviewed,
    keep: (review) => (reviewed = review),
    run,
    show: shown,
  });
  document.body.append(made.host);
  made.show({ photo: "p", rows, dropped });
  return made;
}

const find = (made: StripView, selector: string) => made.host.shadowRoot!.querySelector<HTMLElement>(selector)!;
const all = (made: StripView, selector: string) => [...made.host.shadowRoot!.querySelectorAll<HTMLElement>(selector)];

beforeEach(() => {
  reviewed = reviewOf(null);
  run.mockClear();
  shown.mockClear();
  document.body.replaceChildren();
});

test("labels and reasons are text, whatever is in them", () => {
  const label = '<img src=x onerror="alert(1)">';
  const made = view(
    [row(0, { label, failures: { mesh: "<script>alert(2)</script>" } }), row(1, { label: "🪑".repeat(10000) }), row(2, { label: "../../etc" })],
    undefined,
    [{ id: 9, label, reason: label }],
  );
  expect(all(made, "img, script")).toEqual([]);
  expect(find(made, ".label").textContent).toContain("<img src=x");
  expect(find(made, ".reason").textContent).toContain("<script>");
  expect(all(made, ".label")[1]!.textContent!.length).toBeLessThan(200);
  expect(find(made, ".told").textContent).toContain("<img");
});

test("a click on retry writes one counter, runs, and says where it was written", () => {
  const { makers, node } = chain();
  const made = view([row(3), row(4)], makers);
  find(made, "[data-id='3'] .retry.mesh").click();
  expect(value(node(2), "retry")).toBe("4:2, 3:1");
  expect(run).toHaveBeenCalledOnce();
  expect(find(made, "[data-id='3']").classList).toContain("busy");
  expect(find(made, "[data-id='4']").classList).not.toContain("busy");
  expect(find(made, ".told").textContent).toContain("CASTMesh #2: retry");
  find(made, ".told button").click();
  expect(shown).toHaveBeenCalledWith(node(2));
  expect(find(made, "[data-id='3'] .retry.mesh").textContent).toBe("↻ 2");
  find(made, "[data-id='3'] .back.mesh").click();
  expect(value(node(2), "retry")).toBe("4:2");
});

test("with shift the counter is noted and nothing runs", () => {
  const { makers, node } = chain();
  const made = view([row(3)], makers);
  find(made, ".retry.view").dispatchEvent(new MouseEvent("click", { shiftKey: true, bubbles: true }));
  expect(value(node(1), "retry")).toBe("3:1");
  expect(run).not.toHaveBeenCalled();
});

test("a locked object is not retried", () => {
  const made = view([row(3)]);
  find(made, ".lock").click();
  expect(find(made, ".lock").getAttribute("aria-pressed")).toBe("true");
  for (const button of all(made, ".retry")) expect((button as HTMLButtonElement).disabled).toBe(true);
  find(made, ".lock").click();
  for (const button of all(made, ".retry")) expect((button as HTMLButtonElement).disabled).toBe(false);
});

test("a part that cannot be told to says why", () => {
  const graph = graphOf([{ id: 5, type: "CASTReviewObjects", inputs: {} }]);
  const made = view([row(3)], makersOf(graph.getNodeById(5)!));
  const button = find(made, ".retry.view") as HTMLButtonElement;
  expect(button.disabled).toBe(true);
  expect(button.title).toBe("Nothing is connected that makes the view");
  expect((find(made, ".lock") as HTMLButtonElement).disabled).toBe(true);
});

test("accepting all that fit well leaves the others, and accepted ones can be hidden", () => {
  const made = view([row(0), row(1, { grade: "poor", iou: 0.2 }), row(2)]);
  find(made, "[data-focus='good']").click();
  expect(Object.keys(reviewed.accepted)).toEqual(["0", "2"]);
  const hides = find(made, "input") as HTMLInputElement;
  hides.checked = true;
  hides.dispatchEvent(new Event("change"));
  expect(all(made, ".row").map((r) => r.dataset.id)).toEqual(["1"]);
});

test("keys do what the buttons do, and do not reach the canvas", () => {
  const { makers, node } = chain();
  const made = view([row(3), row(4)], makers);
  const reached = vi.fn();
  document.body.addEventListener("keydown", reached);
  const press = (id: number, key: string) =>
    find(made, `[data-id='${id}']`).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true }));
  press(3, "m");
  expect(value(node(2), "retry")).toBe("4:2, 3:1");
  press(4, "a");
  expect(reviewed.accepted).toEqual({ 4: "made 4" });
  press(3, "z");
  expect(find(made, "[data-id='3']").classList).toContain("large");
  find(made, "[data-id='3']").focus();
  press(3, "ArrowDown");
  expect((made.host.shadowRoot!.activeElement as HTMLElement).dataset.id).toBe("4");
  expect(reached).not.toHaveBeenCalled();
  press(3, "Delete");
  expect(reached).toHaveBeenCalledOnce();
});

test("a poor grade beside a good outline says why", () => {
  const made = view([row(1, { iou: 0.99, grade: "poor", depth_off: 0.42 }), row(2, { ambiguous: true })]);
  const notes = all(made, ".row").map((r) => [...r.querySelectorAll(".name .small")].map((e) => e.textContent).join("|"));
  expect(notes[0]).toContain("does not fit what was measured (42 % of its size)");
  expect(notes[1]).toContain("another pose fits nearly as well");
});

test("drawing again leaves one strip, and no rows are told", () => {
  const made = view([row(1)]);
  made.show({ photo: "p", rows: [], dropped: [] });
  expect(all(made, ".rows")).toHaveLength(1);
  expect(find(made, ".nothing").textContent).toBe("No object was kept.");
});

// The node.

const api = () => Object.assign(new EventTarget(), { apiURL: (route: string) => route, fetchApi: vi.fn() });
function appOf() {
  return {
    api: api(),
    graph: { add: vi.fn() },
    canvas: { setDirty: vi.fn(), graph: null },
    registerExtension: vi.fn(),
    extensionManager: { setting: { get: () => "en" } },
    queuePrompt: vi.fn(async () => true),
  };
}

function nodeOf(name: string) {
  return {
    id: 5, type: name, title: name, mode: 0, size: [200, 100] as [number, number], pos: [10, 20] as [number, number],
    constructor: { nodeData: { name } }, properties: {} as Record<string, unknown>, inputs: [],
    addDOMWidget: vi.fn(), setSize: vi.fn(), computeSize: vi.fn(), setDirtyCanvas: vi.fn(), connect: vi.fn(),
    onExecuted: undefined as undefined | ((output: Record<string, unknown>) => void), onRemoved: undefined as undefined | (() => void),
  };
}

test("the strip is on its own node alone, and keeps the review in the workflow", () => {
  const app = appOf();
  expect(addStrip(app as never, nodeOf("CASTMesh") as never)).toBeNull();
  const node = nodeOf("CASTReviewObjects");
  const made = addStrip(app as never, node as never)!;
  expect(node.addDOMWidget.mock.calls[0]![3]).toMatchObject({ serialize: false });
  node.onExecuted!({ cast_strip: [{ photo: "p", rows: [row(3)], dropped: [] }] });
  find(made, ".accept").click();
  expect(node.properties[PROPERTY]).toEqual({ accepted: { 3: "made 3" }, posedByHand: [] });
  node.onRemoved!();
});

test("a scene offers a strip, connected to it", () => {
  const app = appOf();
  const scene = nodeOf("CASTComposeScene");
  expect(stripMenu(app as never, nodeOf("CASTMesh") as never)).toEqual([]);
  expect(stripMenu(app as never, scene as never)).toHaveLength(1);
  const made = nodeOf("CASTReviewObjects");
  vi.stubGlobal("LiteGraph", { createNode: () => made });
  expect(insertStrip(app as never, scene as never)).toBe(made);
  expect(app.graph.add).toHaveBeenCalledWith(made);
  expect(scene.connect).toHaveBeenCalledWith(0, made, "scene");
  vi.unstubAllGlobals();
});

test("both languages have every text with the same gaps", () => {
  const gaps = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  const [en, zh] = [wordsFor("en"), wordsFor("zh")];
  for (const [name, text] of Object.entries(en)) expect(gaps(zh[name as keyof typeof zh]), name).toEqual(gaps(text));
  expect(wordsFor("zh-TW")).toBe(zh);
  expect(filled("{n} of {m}", { n: 1 })).toBe("1 of {m}");
});
