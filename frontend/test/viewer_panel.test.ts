import { Euler, Quaternion } from "three";
import { describe, expect, test, vi } from "vitest";
import type { AboutObject } from "../src/viewer/about.ts";
import { quaternionOf, withPoses } from "../src/viewer/glb_poses.ts";
import { type Actions, Panel, type Shown } from "../src/viewer/panel.ts";
import { BEGINNING, shownObjects, toggledEye } from "../src/viewer/state.ts";
import { textsOf } from "../src/viewer/texts.ts";

const object = (id: number, label: string, more: Partial<AboutObject> = {}): AboutObject => ({
  id, label, node: `n_${id}`, failure: null, iou: 0.9, scene_iou: 0.8, grade: "good", depth_off: null, ambiguous: false,
  facts: [], locked: false, colour: [1, 2, 3], ...more,
});

const shown = (objects: AboutObject[], more: Partial<Shown> = {}): Shown => ({
  objects,
  placed: new Set(objects.filter((o) => o.node).map((o) => o.id)),
  locked: new Set(), changed: new Set(), canUndo: false, canRedo: false, canReset: false, editsText: "",
  ...more,
});

function panel(editable = true) {
  const names = ["view", "compare", "layer", "fit", "tool", "undo", "redo", "reset", "picture", "glb", "select", "hover", "eye", "solo", "lock", "text"];
  const actions = Object.fromEntries(names.map((name) => [name, vi.fn()])) as unknown as Actions;
  const made = new Panel(textsOf("en"), actions, editable);
  document.body.replaceChildren(made.root);
  const find = (selector: string) => made.root.querySelector<HTMLElement>(selector)!;
  return { made, actions, find };
}

describe("the panel", () => {
  test("labels are text, however they look", () => {
    const { made, find } = panel();
    made.show(BEGINNING, shown([object(3, "<img src=x onerror=alert(1)>")]));
    expect(find(".label").textContent).toBe("<img src=x onerror=alert(1)> 3");
    expect(made.root.querySelector("img")).toBeNull();
  });

  test("buttons ask for what they say", () => {
    const { made, actions, find } = panel();
    made.show({ ...BEGINNING, selected: 3 }, shown([object(3, "chair")], { canUndo: true }));
    find('[data-name="orbit"]').click();
    find('[data-name="wipe"]').click();
    find('[data-name="points"]').click();
    find('[data-name="floor"]').click();
    find('[data-name="move"]').click();
    find('[data-name="undo"]').click();
    find(".row .solo").click();
    expect(actions.view).toHaveBeenCalledWith("orbit");
    expect(actions.compare).toHaveBeenCalledWith("wipe");
    expect(actions.layer).toHaveBeenCalledWith("points", true);
    expect(actions.layer).toHaveBeenCalledWith("floor", false);
    expect(actions.tool).toHaveBeenCalledWith("move");
    expect(actions.undo).toHaveBeenCalledOnce();
    expect(actions.solo).toHaveBeenCalledWith(3);
  });

  test("without edits there are no tools, locks or text", () => {
    const { made, find } = panel(false);
    made.show(BEGINNING, shown([object(3, "chair")]));
    for (const selector of ['[data-name="move"]', ".lock", "textarea"]) expect(find(selector)).toBeNull();
  });

  test("tools wait for a selection, comparisons for the photo's camera", () => {
    const { made, find } = panel();
    made.show(BEGINNING, shown([object(3, "chair")]));
    expect((find('[data-name="turn"]') as HTMLButtonElement).disabled).toBe(true);
    made.show({ ...BEGINNING, selected: 3, view: "orbit" }, shown([object(3, "chair")]));
    expect((find('[data-name="turn"]') as HTMLButtonElement).disabled).toBe(false);
    expect(find('[data-name="wipe"]').parentElement!.hidden).toBe(true);
  });

  test("the status tells the overlap of the object under the pointer, or why it is not there", () => {
    const { made, find } = panel();
    const objects = [object(3, "chair"), object(4, "lamp", { node: null, failure: "it has no mesh" })];
    made.show({ ...BEGINNING, hovered: 3 }, shown(objects));
    expect(find(".status").textContent).toBe("chair 3: overlap with the photo (IoU) 80 %, at Register 90 %");
    made.show({ ...BEGINNING, hovered: 3 }, shown([object(3, "chair", { iou: 0.8 })]));
    expect(find(".status").textContent).toBe("chair 3: overlap with the photo (IoU) 80 %");
    made.show({ ...BEGINNING, hovered: 4 }, shown(objects));
    expect(find(".status").textContent).toBe("lamp 4: not in the scene – it has no mesh");
    made.show(BEGINNING, shown(objects));
    expect(find(".status").textContent).toBe("1 object, median IoU 80 %");
  });

  test("what a good outline hides is told: a wrong distance, another pose that fits as well", () => {
    const { made, find } = panel();
    const objects = [object(3, "chair", { depth_off: 0.553, ambiguous: true }), object(4, "lamp", { ambiguous: true })];
    made.show({ ...BEGINNING, hovered: 3 }, shown(objects));
    const doubts = ["its distance is off by 55 % of its size", "another pose fits nearly as well"];
    for (const doubt of doubts) {
      expect(find(".status").textContent).toContain(doubt);
      expect(find(".name").title).toContain(doubt);
    }
    expect(made.root.querySelectorAll(".doubt")).toHaveLength(1);
  });

  test("arrow keys go through the list, letters act on the row", () => {
    const { made, actions, find } = panel();
    made.show(BEGINNING, shown([object(3, "chair"), object(4, "lamp")]));
    const press = (key: string) =>
      document.activeElement!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    find(".row .name").focus();
    press("ArrowDown");
    press("v");
    press("l");
    expect(actions.eye).toHaveBeenCalledWith(4);
    expect(actions.lock).toHaveBeenCalledWith(4);
    expect([...made.root.querySelectorAll<HTMLElement>(".name")].map((b) => b.tabIndex)).toEqual([-1, 0]);
  });

  test("every word is there in both languages", () => {
    const [english, chinese] = [textsOf("en"), textsOf("zh-TW")];
    for (const [key, text] of Object.entries(chinese)) expect(text, key).not.toBe("");
    expect(chinese.photo).not.toBe(english.photo);
    expect(textsOf("fr")).toBe(english);
  });
});

describe("what is shown", () => {
  test("a hidden object is left out, solo shows one alone", () => {
    const hidden = { ...BEGINNING, ...toggledEye(BEGINNING, 2) };
    expect(shownObjects(hidden, [1, 2, 3])).toEqual(new Set([1, 3]));
    expect(shownObjects({ ...hidden, solo: 2 }, [1, 2, 3])).toEqual(new Set([2]));
    expect(shownObjects({ ...hidden, ...toggledEye(hidden, 2) }, [1, 2, 3])).toBeNull();
  });

  test("an eye that is clicked while one is alone ends that", () => {
    const alone = { ...BEGINNING, solo: 1 };
    expect(toggledEye(alone, 2)).toEqual({ solo: null });
    expect(toggledEye(alone, 1)).toEqual({ solo: null, hidden: new Set([1]) });
  });
});

describe("a GLB with other poses", () => {
  const pack = (document: object, binary: number[]): ArrayBuffer => {
    let text = JSON.stringify(document);
    while (text.length % 4) text += " ";
    const bytes = new Uint8Array(20 + text.length + 8 + binary.length);
    const view = new DataView(bytes.buffer);
    [0x46546c67, 2, bytes.length, text.length, 0x4e4f534a].forEach((v, i) => view.setUint32(4 * i, v, true));
    bytes.set(new TextEncoder().encode(text), 20);
    view.setUint32(20 + text.length, binary.length, true);
    view.setUint32(24 + text.length, 0x004e4942, true);
    bytes.set(binary, 28 + text.length);
    return bytes.buffer;
  };

  test("has them at the nodes of these names, and its data as it was", () => {
    const glb = pack({ nodes: [{ name: "a", matrix: [1] }, { name: "b", mesh: 0 }] }, [1, 2, 3, 4]);
    const pose = { position: [1, 2, 3], rotation_deg: [0, 90, 0], scale: 2 } as const;
    const made = withPoses(glb, new Map([["a", structuredClone(pose) as never]]));
    const view = new DataView(made.buffer);
    const length = view.getUint32(12, true);
    expect([view.getUint32(8, true), length % 4]).toEqual([made.length, 0]);
    const { nodes } = JSON.parse(new TextDecoder().decode(made.subarray(20, 20 + length)));
    expect(nodes[0]).toMatchObject({ name: "a", translation: [1, 2, 3], scale: [2, 2, 2] });
    expect(nodes[0].matrix).toBeUndefined();
    expect(nodes[1]).toEqual({ name: "b", mesh: 0 });
    expect([...made.subarray(-4)]).toEqual([1, 2, 3, 4]);
  });

  test("angles are those of three.js", () => {
    for (const angles of [[10, 20, 30], [-170, 45, 5], [0, 90, 0]] as [number, number, number][]) {
      const [x, y, z] = angles.map((a) => (a * Math.PI) / 180) as [number, number, number];
      const expected = new Quaternion().setFromEuler(new Euler(x, y, z, "XYZ")).toArray();
      quaternionOf(angles).forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 10));
    }
  });

  test("something else is refused", () => {
    expect(() => withPoses(new ArrayBuffer(30), new Map())).toThrow("no GLB");
  });
});
