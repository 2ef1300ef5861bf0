// The picker on its node: where the edits are kept, which photo it shows, what a run tells it.

import { type App, fileURL, type GraphNode, type ServedFile, widgetOf } from "../shared/comfyui.ts";
import { Picker, type RunOutput } from "./panel.ts";
import { fileNamed, type Graph, photoSource, type Upstream } from "./photo.ts";
import { wordsFor } from "./words.ts";

export const NODE = "CASTEditObjects";
const OUTPUT = "cast_picker";
const EDITS = "edits";
const SIZE: [number, number] = [760, 560];
const LEAST_PX = 320;
const LOOK_MS = 700;

/** What the picker uses of the front end. */
export type PickerApp = App & { queuePrompt(number: number, count: number, nodes?: string[]): Promise<unknown> };

/** A run's output as the node's `ui` tells it. */
interface Told extends RunOutput {
  photo: ServedFile;
}

/** Puts the picker on a node of its kind. */
export function addPicker(app: PickerApp, node: GraphNode): Picker | null {
  if (node.constructor?.nodeData?.name !== NODE) return null;
  const { api } = app;
  const edits = () => widgetOf(node, EDITS);
  const own = edits();
  let writing = false;
  let told: Told | null = null;
  /** The photo upstream when the last run began: another one makes that run's objects void. */
  let ranOn = "";
  if (own) {
    own.hidden = true;
    (own.options ??= {})["hidden"] = true;
    const before = own.callback;
    own.callback = function (value, ...rest) {
      before?.call(this, value, ...rest);
      if (!writing) picker.load();
    };
  }

  const picker = new Picker(wordsFor(app.extensionManager.setting.get("Comfy.Locale")), {
    read: () => String(edits()?.value ?? ""),
    write: (text) => {
      const widget = edits();
      if (!widget || widget.value === text) return;
      writing = true;
      try {
        widget.value = text;
        widget.callback?.(text);
      } finally {
        writing = false;
      }
      node.graph?.change?.();
    },
    run: () => app.queuePrompt(0, 1, [String(node.id)]),
  });

  const widget = node.addDOMWidget("cast_picker", "CAST_PICKER", picker.host, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => LEAST_PX,
  });
  widget.serialize = false;
  node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);

  /** Address of the photo that is loaded upstream, "" when that is not known. */
  const upstream = (): string => {
    const graph = node.graph as unknown as Graph | undefined;
    const source = graph?.getNodeById ? photoSource(graph, node as unknown as Upstream) : null;
    if (!source) return "";
    const made = app.nodeOutputs?.[String(source.id)]?.["images"] as ServedFile[] | undefined;
    const named = source.type === "CASTDemoPhoto" ? made?.[0] : fileNamed(source.widgets?.find((w) => w.name === "image")?.value);
    return named ? fileURL(api, named) : "";
  };
  const show = (output: Record<string, unknown> | undefined) => {
    const run = (output?.[OUTPUT] as Told[] | undefined)?.[0];
    if (!run) return;
    told = run;
    ranOn = upstream();
    picker.showPhoto(fileURL(api, run.photo));
    picker.show(run);
  };
  // Nothing tells when a file is chosen somewhere upstream, so look now and then.
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
  node.onExecuted = function (output) {
    executed?.call(this, output);
    show(output);
  };
  const configure = node.onConfigure;
  node.onConfigure = function (info) {
    configure?.call(this, info);
    picker.load();
  };
  const failed = (event: Event) => {
    const { node_id: id, exception_message: why } = (event as CustomEvent<Record<string, unknown>>).detail ?? {};
    if (String(id) === String(node.id)) picker.failed(String(why ?? ""));
  };
  api.addEventListener("execution_error", failed);
  const removed = node.onRemoved;
  node.onRemoved = function () {
    removed?.call(this);
    window.clearInterval(clock);
    api.removeEventListener("execution_error", failed);
    picker.dispose();
  };
  // A graph that is shown again, from another tab, gets no new output: take the last one.
  setTimeout(() => {
    show(app.nodeOutputs?.[String(node.id)]);
    look();
  }, 0);
  return picker;
}
