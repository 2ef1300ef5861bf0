import { describe, expect, test } from "vitest";
import { editJson, readEdits, simplified, writeEdits, type Edits, type Point } from "../src/picker/edits.ts";
import { ObjectList } from "../src/picker/list.ts";
import { Picker } from "../src/picker/panel.ts";
import { fileNamed, photoSource, type Graph, type Upstream } from "../src/picker/photo.ts";
import { freeId, movedBox, NOTHING, picked, rows, type Action, type Found, type Picked } from "../src/picker/state.ts";
import { fit, inside, panned, toCanvas, toPhoto, zoomed } from "../src/picker/view.ts";
import { filled, wordsFor } from "../src/picker/words.ts";

const SIZE: [number, number] = [400, 300];
const TEXT =
  '{"photo":[400,300],"objects":{"3":{"label":"armchair"},"4":{"keep":false},"6":{"points":[[310,42,1],[290,50.5,-1]]},' +
  '"100":{"label":"lamp","box":[40,30,180,230],"brush":[{"add":12,"path":[[50,70],[80,96]]},{"erase":8,"path":[[60,200]]}]}}}';

const all = (...actions: Action[]): Picked => actions.reduce(picked, NOTHING);
const box = (id: number | null, ...corners: [number, number, number, number]): Action => ({
  do: "box", id, box: corners, photo: SIZE, known: [0, 1],
});
const point = (id: number | null, x: number, y: number, sign: 1 | -1): Action => ({
  do: "point", id, point: [x, y, sign], photo: SIZE, known: [0, 1],
});
const text = (state: Picked) => writeEdits(state.edits);
const edit = (state: Picked, id: number) => state.edits.objects.get(id);

describe("the text of the edits", () => {
  test("comes back as it was written", () => {
    expect(writeEdits(readEdits(TEXT)!)).toBe(TEXT);
  });

  test.each(["", "  ", "{}", '{"objects":{}}'])("%j is no edit and is written as nothing", (nothing) => {
    expect(writeEdits(readEdits(nothing)!)).toBe("");
  });

  test.each(["chair", "[1]", '"x"', "{"])("%j is no text of edits", (other) => {
    expect(readEdits(other)).toBeNull();
  });

  test("what the picker does not know is left out, the rest is read", () => {
    const odd = '{"objects":{"__proto__":{"label":"x"},"-1":{},"2":{"label":5,"box":[1,2],"points":[[1,2,1],[3,4,0]],"brush":[{}]}}}';
    expect(writeEdits(readEdits(odd)!)).toBe('{"objects":{"2":{"points":[[1,2,1]]}}}');
  });

  test("is rounded to a tenth of a pixel", () => {
    expect(editJson({ box: [1.04, 2.06, 30.123, 40] })).toEqual({ box: [1, 2.1, 30.1, 40] });
  });
});

describe("a simplified line", () => {
  const path: Point[] = Array.from({ length: 200 }, (_, i) => [i, 20 * Math.sin(i / 30)]);

  test("keeps its ends and stays within the tolerance", () => {
    const line = simplified(path, 0.5);
    expect(line.length).toBeLessThan(30);
    expect(line[0]).toEqual(path[0]);
    expect(line.at(-1)).toEqual(path.at(-1));
    for (const [x, y] of path) {
      const i = line.findIndex((p) => p[0] >= x);
      const [b, a] = [line[i]!, line[Math.max(0, i - 1)]!];
      const at = b[0] === a[0] ? b[1] : a[1] + ((b[1] - a[1]) * (x - a[0])) / (b[0] - a[0]);
      expect(Math.abs(at - y)).toBeLessThan(0.6);
    }
  });

  test("is a point when nothing moved", () => {
    expect(simplified([[5, 5]], 1)).toEqual([[5, 5]]);
  });
});

describe("the state", () => {
  test("a box makes a new object, which is selected and remembers the photo's size", () => {
    const state = all(box(null, 10, 20, 60, 80));
    expect(text(state)).toBe('{"photo":[400,300],"objects":{"100":{"box":[10,20,60,80]}}}');
    expect(state.selected).toBe(100);
  });

  test("a box drawn from below and out of the photo is put in order", () => {
    expect(edit(all(box(null, 500, 90, 350, -20)), 100)?.box).toEqual([350, 0, 400, 90]);
  });

  test("a slip of the mouse is no box", () => {
    expect(all(box(null, 10, 10, 11, 40))).toBe(NOTHING);
  });

  test("ids of objects by hand never meet found ones", () => {
    expect(freeId([0, 1, 100], readEdits('{"objects":{"101":{"label":"x"}}}')!)).toBe(102);
  });

  test("points and strokes go to the object, in order", () => {
    const stroke = { adds: false, radius: 9, path: [[1, 2]] as Point[] };
    const state = all(point(1, 5, 6, 1), point(1, 7, 8, -1), { do: "stroke", id: 1, stroke, photo: SIZE, known: [1] });
    expect(edit(state, 1)).toEqual({ points: [[5, 6, 1], [7, 8, -1]], strokes: [stroke] });
    expect(edit(picked(state, { do: "unpoint", id: 1, index: 0 }), 1)?.points).toEqual([[7, 8, -1]]);
  });

  test("the name that Detect gave is no edit", () => {
    const renamed = all({ do: "rename", id: 1, label: " Sofa ", was: "couch" });
    expect(edit(renamed, 1)).toEqual({ label: "Sofa" });
    expect(text(picked(renamed, { do: "rename", id: 1, label: "couch", was: "couch" }))).toBe("");
  });

  test("a found object is deleted by a word, one made by hand is gone", () => {
    expect(text(all({ do: "keep", id: 1, keep: false, found: true }))).toBe('{"objects":{"1":{"keep":false}}}');
    expect(text(all(box(null, 1, 1, 9, 9), { do: "keep", id: 100, keep: false, found: false }))).toBe("");
  });

  test("drawing on what was deleted brings it back", () => {
    const state = all({ do: "keep", id: 1, keep: false, found: true }, point(1, 5, 6, 1));
    expect(edit(state, 1)?.keep).toBeUndefined();
  });

  test("undo and redo go through all changes", () => {
    const steps: Action[] = [box(null, 1, 1, 9, 9), point(100, 5, 5, 1), { do: "rename", id: 100, label: "cup", was: "object" }, { do: "clear" }];
    const texts = [NOTHING, ...steps.map((_, i) => all(...steps.slice(0, i + 1)))].map(text);
    let state = all(...steps);
    for (const wanted of texts.slice(0, -1).reverse()) expect(text((state = picked(state, { do: "undo" })))).toBe(wanted);
    expect(picked(state, { do: "undo" })).toBe(state);
    for (const wanted of texts.slice(1)) expect(text((state = picked(state, { do: "redo" })))).toBe(wanted);
    expect(picked(state, { do: "redo" })).toBe(state);
  });

  test("a box moved step by step is undone as one", () => {
    const state = all(box(null, 10, 10, 50, 50), box(100, 11, 10, 51, 50), box(100, 12, 10, 52, 50), { do: "undo" });
    expect(edit(state, 100)?.box).toEqual([10, 10, 50, 50]);
  });

  test("a new change forgets what was undone", () => {
    const state = all(box(null, 10, 10, 50, 50), { do: "undo" }, point(null, 3, 3, 1));
    expect(state.future).toEqual([]);
  });

  test("a moved box stays in the photo, a resized one too", () => {
    expect(movedBox([10, 10, 50, 50], [-30, 400], SIZE)).toEqual([0, 260, 40, 300]);
    expect(movedBox([10, 10, 50, 50], [-90, 400], SIZE, true)).toEqual([10, 10, 12, 300]);
  });
});

const FOUND: Found[] = [
  { id: 0, label: "chair", found: true, keep: true, reason: "", box: [0, 0, 9, 9], outlines: [[0, 0, 9, 0, 9, 9]] },
  { id: 1, label: "rug", found: true, keep: false, reason: "too flat", box: [0, 9, 99, 99], outlines: [] },
  { id: 100, label: "lamp", found: false, keep: true, reason: "", box: [5, 5, 8, 8], outlines: [] },
];

describe("the list", () => {
  const seen = readEdits('{"objects":{"100":{"label":"lamp","box":[5,5,8,8]}}}')!;

  test("shows the last run as it was", () => {
    const list = rows(FOUND, seen, seen);
    expect(list.map(({ id, label, keep, reason, byHand, pending }) => [id, label, keep, reason, byHand, pending])).toEqual([
      [0, "chair", true, "", false, false], [1, "rug", false, "too flat", false, false], [100, "lamp", true, "", true, false],
    ]);
  });

  test("marks what was edited since, and shows new objects at once", () => {
    const now = readEdits('{"objects":{"0":{"keep":false},"1":{"keep":true},"101":{"box":[1,2,3,4]}}}') as Edits;
    const list = rows(FOUND, now, seen);
    expect(list.map(({ id, keep, pending }) => [id, keep, pending])).toEqual([[0, false, true], [1, true, true], [101, true, true]]);
  });

  test("an object that failed keeps its reason until it is edited", () => {
    const failed = [{ ...FOUND[2]!, keep: false, reason: "nothing is there" }];
    expect(rows(failed, seen, seen)[0]).toMatchObject({ keep: false, reason: "nothing is there", pending: false });
    const mended = readEdits('{"objects":{"100":{"label":"lamp","box":[5,5,80,80]}}}')!;
    expect(rows(failed, mended, seen)[0]).toMatchObject({ keep: true, reason: "", pending: true });
  });

  test("a stroke that was worked out is done with, although the text has rounded it", () => {
    const stroke = { adds: true, radius: 12.3456, path: [[1.23456, 2.5], [3.98765, 4]] as [number, number][] };
    const drawn: Edits = { photo: [640, 480], objects: new Map([[0, { strokes: [stroke] }]]) };
    const told = readEdits(writeEdits(drawn))!;
    expect(rows(FOUND, drawn, told)[0]!.pending).toBe(false);
    expect(rows(FOUND, drawn, NOTHING.edits)[0]!.pending).toBe(true);
  });

  test.each(["<img src=x onerror=alert(1)>", "../../etc/passwd", "🪑".repeat(6000), "a\u202egnp.exe"])(
    "%s is shown as text and touches nothing",
    (label) => {
      const list = new ObjectList(wordsFor("en"), () => {}, () => {});
      list.show(rows([{ ...FOUND[0]!, label }, { ...FOUND[1]!, reason: label }], NOTHING.edits, NOTHING.edits), null);
      expect(list.host.querySelectorAll("img, script")).toHaveLength(0);
      const shown = list.host.querySelector("input")!.value;
      expect(Array.from(shown).length).toBeLessThan(130);
      expect(shown.startsWith(Array.from(label)[0]!)).toBe(true);
      expect(list.host.textContent!.length).toBeLessThan(1000);
    },
  );
});

describe("the view", () => {
  const canvas: [number, number] = [500, 500];

  test("shows the whole photo in the middle, and goes there and back", () => {
    const view = fit(SIZE, canvas);
    const [x0, y0] = toCanvas(view, [0, 0]);
    const [x1, y1] = toCanvas(view, SIZE);
    expect([x0 + x1, y0 + y1]).toEqual([500, 500]);
    expect(x0).toBeCloseTo(6);
    expect(toPhoto(view, toCanvas(view, [123, 45]))[0]).toBeCloseTo(123);
  });

  test("zooms about the pointer", () => {
    const before = fit(SIZE, canvas);
    const about: Point = [300, 260];
    const after = zoomed(before, 3, about, SIZE, canvas);
    expect(after.scale).toBeCloseTo(3 * before.scale);
    expect(toPhoto(after, about)[0]).toBeCloseTo(toPhoto(before, about)[0]);
  });

  test("never loses the photo", () => {
    let view = fit(SIZE, canvas);
    for (let i = 0; i < 50; i++) view = panned(view, [300, -300], SIZE, canvas);
    expect(toCanvas(view, [0, 0])[0]).toBeLessThan(500);
    expect(toCanvas(view, SIZE)[1]).toBeGreaterThan(0);
    for (let i = 0; i < 50; i++) view = zoomed(view, 0.5, [0, 0], SIZE, canvas);
    expect(view.scale).toBeCloseTo(fit(SIZE, canvas).scale / 2);
  });

  test("a hole in an outline is not inside", () => {
    const ring = [[0, 0, 10, 0, 10, 10, 0, 10], [4, 4, 6, 4, 6, 6, 4, 6]];
    expect(inside(ring, [2, 2])).toBe(true);
    expect(inside(ring, [5, 5])).toBe(false);
    expect(inside(ring, [12, 5])).toBe(false);
  });
});

describe("the photo before the first run", () => {
  test.each([
    ["room.png", "", "room.png", "input"], ["a/b/room.png", "a/b", "room.png", "input"],
    ["x y.png [output]", "", "x y.png", "output"], ["odd [3].png", "", "odd [3].png", "input"],
  ])("%s", (value, subfolder, filename, type) => {
    expect(fileNamed(value)).toEqual({ filename, subfolder, type });
  });

  test("is found through the nodes between, also round a circle", () => {
    const nodes: Record<number, Upstream> = {
      1: { id: 1, type: "LoadImage" },
      2: { id: 2, type: "CASTDetect", inputs: [{ name: "image", link: 10 }] },
      3: { id: 3, type: "CASTEditObjects", inputs: [{ name: "objects", link: 11 }, { name: "image", link: null }] },
      4: { id: 4, type: "Loop", inputs: [{ name: "image", link: 12 }] },
    };
    const graph: Graph = {
      getNodeById: (id) => nodes[Number(id)],
      links: new Map([[10, { origin_id: 1 }], [11, { origin_id: 2 }], [12, { origin_id: 4 }]]),
    };
    expect(photoSource(graph, nodes[3]!)).toBe(nodes[1]);
    expect(photoSource(graph, nodes[4]!)).toBeNull();
  });
});

describe("the panel", () => {
  const made = (text: string) => {
    const port = { text, runs: 0, read: () => port.text, write: (now: string) => void (port.text = now), run: async () => port.runs++ };
    const picker = new Picker(wordsFor("en"), port);
    document.body.append(picker.host);
    return { port, picker, button: (name: string) => picker.host.querySelector<HTMLButtonElement>(`button[aria-label^="${name}"]`)! };
  };

  test("lists what the workflow holds, and writes back what is changed", () => {
    const { port, picker, button } = made(TEXT);
    const names = [...picker.host.querySelectorAll<HTMLInputElement>("li input")].map((input) => input.value);
    expect(names).toEqual(["armchair", "object", "object", "lamp"]);
    button("Delete lamp").click();
    expect(port.text).not.toContain("lamp");
    button("Undo").click();
    expect(port.text).toBe(TEXT);
  });

  test("a text that it cannot read stays until it is removed", () => {
    const { port, picker } = made("chair: 1, 2, 3, 4");
    expect(port.text).toBe("chair: 1, 2, 3, 4");
    picker.host.querySelector<HTMLButtonElement>(".cast-picker-hint button")!.click();
    expect(port.text).toBe("");
  });

  test("a name is changed by typing it", () => {
    const { port, picker } = made(TEXT);
    const input = picker.host.querySelector<HTMLInputElement>("li input")!;
    input.value = "<b>throne</b>";
    input.dispatchEvent(new Event("change"));
    expect(JSON.parse(port.text).objects["3"].label).toBe("<b>throne</b>");
    expect(picker.host.querySelector("b")).toBeNull();
  });

  test("keys inside it do not reach the graph", () => {
    const { picker } = made(TEXT);
    let heard = 0;
    const listener = () => heard++;
    document.addEventListener("keydown", listener);
    picker.host.querySelector("input")!.dispatchEvent(new KeyboardEvent("keydown", { key: "Delete", bubbles: true }));
    document.removeEventListener("keydown", listener);
    expect(heard).toBe(0);
  });
});

test("Chinese has a word for everything", () => {
  const [en, zh] = [wordsFor("en"), wordsFor("zh-TW")];
  for (const [key, text] of Object.entries(zh)) {
    const english = en[key as keyof typeof en];
    expect(text).not.toBe(english);
    expect(text.match(/\{\w+\}/g) ?? []).toEqual(english.match(/\{\w+\}/g) ?? []);
  }
  expect(filled("{a} of {b}", { a: 1 })).toBe("1 of {b}");
});
