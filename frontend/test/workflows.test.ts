import { expect, test } from "vitest";
import { fileURL, type GraphNode, type NodeDefinition } from "../src/shared/comfyui.ts";
import { defaultOf, restore, specOf, valuesByName } from "../src/workflows/saved_values.ts";
import { putPriceWords } from "../src/workflows/price_words.ts";
import { putTooltips } from "../src/workflows/tooltips.ts";

const definition = (): NodeDefinition => ({
  name: "CASTDepth",
  input: {
    required: {
      size: ["INT", { default: 7 }],
      backend: [
        "COMFY_DYNAMICCOMBO_V3",
        {
          options: [
            { key: "a", inputs: { required: { fov: ["FLOAT", { default: 50 }] } } },
            { key: "b", inputs: { required: { level: [["low", "high"]] } } },
          ],
        },
      ],
    },
  },
});

const nodeWith = (values: Record<string, unknown>) =>
  ({ widgets: Object.entries(values).map(([name, value]) => ({ name, value })) }) as unknown as GraphNode;

test("a backend's own widget is found under the backend that is chosen", () => {
  expect(specOf(definition().input, "backend.fov", () => "a")).toEqual(["FLOAT", { default: 50 }]);
  expect(specOf(definition().input, "backend.fov", () => "b")).toBeNull();
});

test("the default is the one given, otherwise the first choice", () => {
  expect(defaultOf(["INT", { default: 0 }])).toBe(0);
  expect(defaultOf([["low", "high"]])).toBe("low");
  expect(defaultOf(definition().input!.required!["backend"]!)).toBe("a");
});

test("values return by name, renamed ones too, and unknown ones take their default", () => {
  const renamed = { widgets: { CASTDepth: { "backend.angle": "backend.fov" } }, values: {} };
  const node = nodeWith({ size: "a", backend: "a", "backend.fov": 1 });
  restore(node, definition(), { backend: "a", "backend.angle": 33 }, renamed);
  expect(node.widgets!.map((w) => w.value)).toEqual([7, "a", 33]);
});

test("renamed choices are followed; nodes saved without names stay as they are", () => {
  const renamed = { widgets: {}, values: { CASTDepth: { backend: { old: "b" } } } };
  expect(valuesByName("CASTDepth", { backend: "old" }, renamed)).toEqual({ backend: "b" });
  expect(valuesByName("CASTDepth", undefined, renamed)).toBeNull();
});

test("tooltips land in the definition of the backend that brings the widget", () => {
  const changed = definition();
  putTooltips(changed, { backend: { a: { fov: "Blickwinkel", gone: "x" }, gone: { fov: "y" } } });
  expect(specOf(changed.input, "backend.fov", () => "a")![1]!.tooltip).toBe("Blickwinkel");
});

test("file names cannot leave their place in the address", () => {
  const url = fileURL({ apiURL: (route) => `/api${route}` }, { filename: "../a&type=input", subfolder: "", type: "temp" });
  expect(new URL(url, "http://x").searchParams.get("filename")).toBe("../a&type=input");
  expect(new URL(url, "http://x").searchParams.getAll("type")).toEqual(["temp"]);
});

test("the words of a price badge are replaced, all else of its expression is not", () => {
  const expr = (words: string) => `(\n  $words := ${words};\n  $lookup($words, "free") & "$&"\n)`;
  const priced = { ...definition(), price_badge: { expr: expr('{"free": "free", "a mesh": "a mesh"}') } };
  putPriceWords(priced, { free: "$& 免费" });
  expect(priced.price_badge.expr).toBe(expr('{"free":"$& 免费","a mesh":"a mesh"}'));
});

test("a node without a price badge, or a language without words, changes nothing", () => {
  const plain = definition();
  putPriceWords(plain, { free: "免费" });
  expect(plain).toEqual(definition());
  const priced = { ...definition(), price_badge: { expr: '$words := {"free": "free"};' } };
  putPriceWords(priced, undefined);
  expect(priced.price_badge.expr).toBe('$words := {"free": "free"};');
});
