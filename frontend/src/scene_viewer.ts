// The 3D viewer on the nodes that have a scene. The viewer itself is loaded when there is a scene to
// show, so that graphs without one do not load three.js.

import { app } from "../../scripts/app.js";
import { type GraphNode, widgetOf } from "./shared/comfyui.ts";
import { element } from "./shared/dom.ts";
import type { EditsPort, SceneViewer } from "./lib/viewer.ts";
import type { SceneFiles } from "./viewer/about.ts";
import { type Texts, textsOf } from "./viewer/texts.ts";

const NODES = new Set(["CASTComposeScene", "CASTPreviewScene"]);
const OUTPUT = "cast_scene";
const EDITS = "edits";
const SMALLEST_PX = { width: 560, height: 420 };

/** The text of a node's edits, whose own widget is hidden: the viewer shows it on request. */
function editsPort(node: GraphNode, changed: () => void): EditsPort | null {
  const widget = widgetOf(node, EDITS);
  if (!widget) return null;
  widget.hidden = true;
  (widget.options ??= {})["hidden"] = true;
  const before = widget.callback;
  let writing = false;
  widget.callback = function (value, ...rest) {
    before?.call(this, value, ...rest);
    if (!writing) changed();
  };
  return {
    read: () => String(widgetOf(node, EDITS)?.value ?? ""),
    write: (text) => {
      const now = widgetOf(node, EDITS);
      if (!now || now.value === text) return;
      writing = true;
      app.canvas.emitBeforeChange?.(); // a step that ComfyUI's own undo knows
      try {
        now.value = text;
        now.callback?.(text);
      } finally {
        writing = false;
        app.canvas.emitAfterChange?.();
      }
    },
  };
}

/** What is there until there is a scene: the viewer's place, and a way to the edits' text. */
function placeHolder(texts: Texts, open: (() => void) | null): HTMLElement {
  const host = element("div", { class: "cast-scene-viewer" }, element("p", {}, texts.empty));
  host.style.cssText =
    "display: grid; place-content: center; width: 100%; height: 100%; min-height: 390px; text-align: center;" +
    "color: var(--input-text); background: var(--comfy-menu-bg); border-radius: 6px; font-size: 13px";
  // ComfyUI's undo listens to all keys but those of fields of text; the viewer undoes by itself.
  Object.assign(host, { type: "textarea" });
  if (open) {
    const button = element("button", { type: "button", onclick: open }, texts.text);
    button.style.cssText =
      "justify-self: center; padding: 2px 8px; font-size: 11px; cursor: pointer; border-radius: 4px; opacity: 0.75;" +
      "color: inherit; background: none; border: 1px solid var(--border-color)";
    host.append(button);
  }
  return host;
}

function addViewer(node: GraphNode): void {
  let viewer: SceneViewer | null = null;
  let removed = false;
  const edits = editsPort(node, () => viewer?.editsChanged());
  const language = app.extensionManager.setting.get("Comfy.Locale");

  const mount = async () => {
    const { SceneViewer } = await import("./lib/viewer.ts");
    if (!removed) viewer ??= new SceneViewer(host, { api: app.api, language, edits });
    return viewer;
  };
  const show = async (output: Record<string, unknown> | undefined) => {
    const files = (output?.[OUTPUT] as unknown[] | undefined)?.[0];
    if (files !== undefined && !removed) await (await mount())?.show(files as SceneFiles);
  };
  const host = placeHolder(textsOf(language), edits === null ? null : () => void mount());

  const widget = node.addDOMWidget("cast_scene_viewer", "CAST_SCENE_VIEWER", host, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => SMALLEST_PX.height,
  });
  widget.serialize = false;
  node.setSize([Math.max(node.size[0], SMALLEST_PX.width), Math.max(node.size[1], node.computeSize()[1])]);

  // The picture of the scene beside the photo would only stand twice here.
  node.hideOutputImages = true;
  node.onDrawBackground = () => {};

  const executed = node.onExecuted;
  node.onExecuted = function (output) {
    executed?.call(this, output);
    void show(output);
  };
  const gone = node.onRemoved;
  node.onRemoved = function () {
    gone?.call(this);
    removed = true;
    viewer?.dispose();
  };
  // A graph that is shown again, from another tab, gets no new output: take the last one. (Those of
  // nodes in subgraphs go by other names.)
  setTimeout(() => {
    if (node.graph === app.graph) void show(app.nodeOutputs?.[node.id]);
  }, 0);
}

app.registerExtension({
  name: "cast.sceneViewer",
  nodeCreated(node) {
    if (NODES.has(node.constructor.nodeData?.name ?? "")) addViewer(node);
  },
});
