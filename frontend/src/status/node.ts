// Which node says what: the server's events and answers, brought to the faces of the nodes.

import { fileURL, widgetOf, type App, type GraphNode, type ServedFile, type Widget } from "../shared/comfyui.ts";
import { filesOf, refusal, reportOf, type Running } from "./state.ts";
import { StatusView } from "./view.ts";
import { statusWords } from "./words.ts";

/** What LiteGraph's graph is here. */
interface Graph {
  getNodeById(id: number | string): (GraphNode & { subgraph?: Graph }) | null | undefined;
}

/** What the status uses of the front end. */
export type StatusApp = Omit<App, "graph" | "api"> & {
  graph: Graph;
  rootGraph?: Graph;
  api: App["api"] & { queuePrompt(...all: unknown[]): Promise<{ node_errors?: NodeErrors } & Record<string, unknown>> };
};

type NodeErrors = Record<string, { errors?: unknown; class_type?: string }>;

/** What each backend lacks, by node and backend. */
export type Needs = Record<string, Record<string, string>>;

const EXTRA = 6;
/** The widget that ComfyUI's canvas draws output pictures with. */
const PICTURES = "$$canvas-image-preview";

export class Status {
  private readonly views = new Map<GraphNode, StatusView>();
  private needs: Needs = {};

  constructor(private readonly app: StatusApp) {}

  /** Listens to the server. */
  listen(): void {
    const { api } = this.app;
    const on = (name: string, heard: (detail: Record<string, unknown>) => void) =>
      api.addEventListener(name, (event) => heard((event as CustomEvent).detail ?? {}));
    on("cast.status", (detail) => {
      const running = detail as unknown as Running;
      this.of(running.node)?.runs(running);
    });
    on("executed", ({ node, display_node }) => {
      const id = String(display_node ?? node);
      if (this.nodeOf(id)?.type.startsWith("CAST")) forgetLivePicture(this.app, id);
    });
    on("execution_error", ({ node_id, exception_message }) => {
      const told = String(exception_message ?? "").trim();
      if (told) this.of(node_id as string)?.fails([told], "failed");
      this.stopAll();
    });
    on("execution_interrupted", () => this.stopAll());
    on("execution_start", () => this.forgetProblems());
    const asked = api.queuePrompt;
    // Only looked at: the answer goes to who asked, and so does an error.
    api.queuePrompt = (...all) => {
      const answer = asked.apply(api, all);
      answer.then(
        ({ node_errors }) => this.refused(node_errors),
        (error: { response?: { node_errors?: NodeErrors } }) => this.refused(error.response?.node_errors),
      );
      return answer;
    };
    setInterval(() => {
      for (const view of this.views.values()) view.tick();
    }, 1000);
  }

  /** Asks the server what the backends lack. */
  async ask(): Promise<void> {
    try {
      const answer = await this.app.api.fetchApi("/cast/needs");
      if (answer.ok) this.needs = (await answer.json()) as Needs;
    } catch {
      return; // the run itself will say it
    }
    for (const node of this.nodes) this.lacks(node);
  }

  private readonly nodes = new Set<GraphNode>();

  /** Looks after a node of the pack. */
  follow(node: GraphNode): void {
    const executed = node.onExecuted;
    const status = this;
    node.onExecuted = function (this: GraphNode, output) {
      executed?.call(this, output);
      const report = reportOf(output);
      if (report) status.view(this).done(report);
      const files = filesOf(output);
      if (files.length) status.view(this).wrote(files.map((file) => status.toFetch(file)));
    };
    const removed = node.onRemoved;
    node.onRemoved = function (this: GraphNode) {
      removed?.call(this);
      status.views.delete(this);
      status.nodes.delete(this);
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
    node.onConfigure = function (this: GraphNode, info) {
      configured?.call(this, info);
      status.lacks(this);
    };
    queueMicrotask(() => this.lacks(node));
  }

  private toFetch(file: ServedFile): { name: string; folder: string; url: string } {
    return { name: file.filename, folder: file.subfolder, url: fileURL(this.app.api, file) };
  }

  private lacks(node: GraphNode): void {
    const name = node.constructor.nodeData?.name ?? "";
    const told = this.needs[name]?.[String(widgetOf(node, "backend")?.value ?? "")] ?? "";
    if (told || this.views.has(node)) this.view(node).needs(told);
  }

  private refused(errors: NodeErrors | undefined): void {
    this.forgetProblems();
    for (const [id, { errors: found, class_type }] of Object.entries(errors ?? {})) {
      const told = refusal(found);
      if (told.length && class_type?.startsWith("CAST")) this.of(id)?.fails(told);
    }
  }

  private forgetProblems(): void {
    for (const view of this.views.values()) if (!view.isRunning) view.fails([]);
  }

  private stopAll(): void {
    for (const view of this.views.values()) view.stops();
  }

  /** The face of the node that an execution names: "12", or "12:5" for node 5 within node 12. */
  private of(id: number | string | undefined): StatusView | null {
    const node = this.nodeOf(id);
    return node?.type.startsWith("CAST") ? this.view(node) : null;
  }

  private nodeOf(id: number | string | undefined): GraphNode | null | undefined {
    let graph: Graph | undefined = this.app.rootGraph ?? this.app.graph;
    let node: (GraphNode & { subgraph?: Graph }) | null | undefined = null;
    for (const part of String(id ?? "").split(":")) {
      node = graph?.getNodeById(part) ?? graph?.getNodeById(Number(part));
      graph = node?.subgraph;
    }
    return node;
  }

  private view(node: GraphNode): StatusView {
    const known = this.views.get(node);
    if (known) return known;
    let height = 0;
    const made = new StatusView({
      words: statusWords(this.app.extensionManager.setting.get("Comfy.Locale")),
      now: () => performance.now() / 1000,
      copy: (text) => copy(text),
      resized: (now) => {
        const change = wanted(now) - wanted(height);
        height = now;
        node.setSize([node.size[0], node.size[1] + change]);
        node.setDirtyCanvas(true, true);
      },
    });
    const widget = node.addDOMWidget("cast_status", "cast_status", made.host, {
      serialize: false,
      hideOnZoom: false,
      margin: 0,
      getMinHeight: () => wanted(height),
      getMaxHeight: () => wanted(height),
      getHeight: () => wanted(height),
    });
    widget.serialize = false; // nothing of it is saved
    beforePictures(node, widget);
    new ResizeObserver(() => made.measure()).observe(made.host);
    this.views.set(node, made);
    return made;
  }
}

/**
 * Takes away the picture that the node showed while it ran: the renderer of Vue keeps it below the
 * result until the next run. ComfyUI has no way for extensions to say so, so its store is asked where
 * it is found; where it is not, the picture stays.
 */
function forgetLivePicture(app: StatusApp, id: string): void {
  type Outputs = { revokePreviewsByExecutionId?(id: string): void };
  const { _p: stores } = app.extensionManager as { _p?: { _s?: Map<string, unknown> } };
  (stores?._s?.get("nodeOutput") as Outputs | undefined)?.revokePreviewsByExecutionId?.(id);
}

/** The face stands above the pictures of the output, also where they came first. */
function beforePictures(node: GraphNode, widget: Widget): void {
  const { widgets = [] } = node;
  const at = widgets.findIndex(({ name }) => name === PICTURES);
  if (at < 0) return;
  widgets.splice(widgets.indexOf(widget), 1);
  widgets.splice(at, 0, widget);
}

const wanted = (height: number) => (height ? height + EXTRA : 0);

/** Puts text on the clipboard, also on pages that are not served safely. */
async function copy(text: string): Promise<void> {
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
