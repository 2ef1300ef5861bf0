import { describe, expect, test } from "vitest";
import { fitColour, isSceneFiles } from "../src/viewer/about.ts";
import { editsText, isLocked, parseEdits, withLock, withoutPose, withPose } from "../src/viewer/edits.ts";
import { History } from "../src/shared/history.ts";
import { inFrame, paintOutlines } from "../src/viewer/outline.ts";
import {
  cameraPose, cornerRays, photoFrame, projection, pushed, WHOLE_PHOTO, zoomedAt,
} from "../src/viewer/photo_camera.ts";
import { readPoints } from "../src/viewer/points.ts";

const POSE = { position: [1, 2, -3], rotation_deg: [0, 90, 0], scale: 1.5 } as const;
const pose = () => structuredClone(POSE) as unknown as import("../src/viewer/edits.ts").Pose;

describe("the photo's camera", () => {
  const intrinsics = [[500, 0, 300], [0, 520, 260], [0, 0, 1]];
  const photo = { width: 640, height: 480 };

  /** Where a point of the OpenCV camera frame is drawn, pixels of the area. */
  function drawn(point: [number, number, number], matrix: number[], area: { width: number; height: number }) {
    const gl = [point[0], -point[1], -point[2], 1];
    const clip = [0, 1, 2, 3].map((row) => gl.reduce((sum, v, column) => sum + matrix[4 * column + row]! * v, 0));
    return {
      x: ((clip[0]! / clip[3]! + 1) / 2) * area.width,
      y: ((1 - clip[1]! / clip[3]!) / 2) * area.height,
      depth: clip[2]! / clip[3]!,
    };
  }

  test.each([
    ["whole", { width: 640, height: 480 }, WHOLE_PHOTO],
    ["in a wide area", { width: 1000, height: 300 }, WHOLE_PHOTO],
    ["enlarged", { width: 400, height: 500 }, { zoom: 3, u: 0.2, v: 0.7 }],
  ])("a point lies where the photo shows it: %s", (_name, area, zoom) => {
    const frame = photoFrame(area.width, area.height, photo.width / photo.height, zoom);
    const matrix = projection(intrinsics, photo, frame, area, 0.01, 100);
    for (const point of [[0, 0, 1], [0.4, -0.2, 2], [-1, 0.7, 5]] as [number, number, number][]) {
      const pixel = [(500 * point[0]) / point[2] + 300, (520 * point[1]) / point[2] + 260];
      const found = drawn(point, matrix, area);
      expect(found.x).toBeCloseTo(frame.x + (pixel[0]! / 640) * frame.width, 6);
      expect(found.y).toBeCloseTo(frame.y + (pixel[1]! / 480) * frame.height, 6);
      expect(found.depth).toBeGreaterThan(-1);
      expect(found.depth).toBeLessThan(1);
    }
  });

  test("the corners' rays lead to the photo's corners", () => {
    const frame = { x: 0, y: 0, ...photo };
    const matrix = projection(intrinsics, photo, frame, photo, 0.01, 100);
    const found = cornerRays({ intrinsics, ...photo }).map(([x, y, z]) => drawn([x, -y, -z], matrix, photo));
    expect(found.map((f) => [Math.round(f.x), Math.round(f.y)])).toEqual([[0, 0], [640, 0], [640, 480], [0, 480]]);
  });

  test("the pose looks along -z with y up", () => {
    const identity = [[1, 0, 0, 1], [0, 1, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]];
    const found = cameraPose(identity).map((v) => v + 0);
    expect(found).toEqual([1, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1, 0, 1, 2, 3, 1]);
  });

  test("what is under the pointer stays there while zooming; the photo is never smaller than whole", () => {
    const area = { width: 640, height: 480 };
    const point = { x: 500, y: 100 };
    const zoomed = zoomedAt(WHOLE_PHOTO, 2, point, area, 640 / 480);
    const frame = photoFrame(640, 480, 640 / 480, zoomed);
    expect((point.x - frame.x) / frame.width).toBeCloseTo(500 / 640, 6);
    expect((point.y - frame.y) / frame.height).toBeCloseTo(100 / 480, 6);
    expect(zoomedAt(zoomed, 0.1, point, area, 640 / 480)).toEqual(WHOLE_PHOTO);
    expect(pushed(WHOLE_PHOTO, { x: 9, y: 9 }, area, 640 / 480)).toEqual(WHOLE_PHOTO);
    expect(pushed(zoomed, { x: 1e6, y: 0 }, area, 640 / 480).u).toBe(0);
  });
});

describe("edits", () => {
  test("a pose is written beside what is there, short, one object a line", () => {
    const before = parseEdits('{"3": {"on": 1}, "5": {"locked": true}}')!;
    const text = editsText(withPose(before, 3, { ...pose(), position: [0.1234567, -0, 2] }));
    expect(text).toBe(
      '{"3": {"on": 1, "position": [0.12346, 0, 2], "rotation_deg": [0, 90, 0], "scale": 1.5},\n "5": {"locked": true}}',
    );
    expect(editsText(parseEdits(text)!)).toBe(text);
  });

  test("a pose that is taken back leaves no trace, other facts stay", () => {
    const edits = withPose({ 4: { on: "floor" } }, 3, pose());
    expect(editsText(withoutPose(edits, 3))).toBe('{"4": {"on": "floor"}}');
    expect(withoutPose(withPose({ 3: { on: 1 } }, 3, pose()), 3)).toEqual({ 3: { on: 1 } });
    expect(editsText({})).toBe("");
  });

  test("a pose is locked by itself; a lock can be opened and closed again", () => {
    const posed = withPose({}, 3, pose());
    expect(isLocked(posed, 3)).toBe(true);
    const open = withLock(posed, 3, false);
    expect(isLocked(open, 3)).toBe(false);
    expect(withLock(open, 3, true)).toEqual(posed);
    expect(withLock({}, 3, true)).toEqual({ 3: { locked: true } });
    expect(withLock({ 3: { locked: true } }, 3, false)).toEqual({});
  });

  test.each(["[1]", "{", '"x"', '{"chair": {}}', '{"1": 2}'])("%s is no text of edits", (text) => {
    expect(parseEdits(text)).toBeNull();
  });

  test("only empty text and braces hold nothing", () => {
    expect(parseEdits("")).toEqual({});
    expect(parseEdits(" {} ")).toEqual({});
  });
});

test("undo goes back step by step, redo forth, a new step forgets what was undone", () => {
  const history = new History("a");
  history.push("b");
  history.push("b");
  history.push("c");
  expect([history.undo(), history.undo(), history.undo()]).toEqual(["b", "a", "a"]);
  expect(history.redo()).toBe("b");
  history.push("d");
  expect(history.canRedo).toBe(false);
  expect(history.undo()).toBe("b");
});

describe("the point cloud", () => {
  function file(count: number): ArrayBuffer {
    const bytes = new ArrayBuffer(36 + 9 * count);
    new Uint8Array(bytes).set(new TextEncoder().encode("CASTPTS1"));
    const view = new DataView(bytes);
    view.setUint32(8, count, true);
    [1, 2, 3, 0.5, 0.5, 0.5].forEach((v, i) => view.setFloat32(12 + 4 * i, v, true));
    return bytes;
  }

  test("is read as it was written", () => {
    const points = readPoints(file(2));
    expect([points.count, points.corner, points.step]).toEqual([2, [1, 2, 3], [0.5, 0.5, 0.5]]);
    expect(points.values).toHaveLength(6);
    expect(points.colours).toHaveLength(6);
  });

  test("that is cut short or something else is refused", () => {
    expect(() => readPoints(file(2).slice(0, -1))).toThrow("not whole");
    expect(() => readPoints(new ArrayBuffer(3))).toThrow("no point cloud");
  });
});

test("outlines are painted where an object ends, not inside it", () => {
  const map = { width: 4, height: 4, ids: new Uint8Array([0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1]) };
  const pixels = new Uint8ClampedArray(4 * 16);
  paintOutlines(map, [9, 8, 7], pixels);
  const painted = [...Array(16).keys()].filter((i) => pixels[4 * i + 3]);
  expect(painted).toEqual([5, 6, 7, 9, 13]); // the picture's border is no edge
});

test("a map is laid into its frame", () => {
  const laid = inFrame({ width: 2, height: 1, ids: new Uint8Array([1, 2]) }, { x: 1, y: 1, width: 4, height: 2 }, 6, 4);
  expect([...laid.ids.slice(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
  expect([...laid.ids.slice(6, 12)]).toEqual([0, 1, 1, 2, 2, 0]);
});

test("a good fit is green, a bad one red, an unknown one grey", () => {
  expect(fitColour(1)).toEqual([46, 160, 78]);
  expect(fitColour(0.1)).toEqual([200, 40, 40]);
  expect(new Set(fitColour(null)).size).toBeLessThan(3);
  const [red, green] = fitColour(0.6);
  expect(red).toBeGreaterThan(green);
});

test("only a whole set of files is a scene", () => {
  const file = { filename: "a", subfolder: "", type: "temp" };
  expect(isSceneFiles({ glb: file, about: file, photo: file, masks: file, points: file })).toBe(true);
  expect(isSceneFiles({ glb: file })).toBe(false);
  expect(isSceneFiles("scene")).toBe(false);
});
