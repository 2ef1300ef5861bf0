// What the pack uses of ComfyUI's front end, as types. Only the entries (src/*.ts) import `app`;
// they hand it down, so that everything else runs in a unit test with an object of the test's own.

/** A widget of a node. */
export interface Widget {
  name: string;
  type?: string;
  value: unknown;
  hidden?: boolean;
  label?: string;
  options?: Record<string, unknown> & { serialize?: boolean };
  serialize?: boolean;
  callback?: (value: unknown, ...rest: unknown[]) => void;
  computeSize?: (width?: number) => [number, number];
  computeLayoutSize?: (node: GraphNode) => { minHeight: number; maxHeight?: number; minWidth: number };
  onRemove?: () => void;
  element?: HTMLElement;
}

/** Options of a widget that is a piece of the page. */
export interface DomWidgetOptions {
  serialize?: boolean;
  hideOnZoom?: boolean;
  margin?: number;
  getMinHeight?: () => number;
  getMaxHeight?: () => number;
  getHeight?: () => number | `${number}%`;
  getValue?: () => unknown;
  setValue?: (value: unknown) => void;
  onDraw?: () => void;
}

/** A node on the canvas. */
export interface GraphNode {
  id: number | string;
  type: string;
  title: string;
  mode: number;
  size: [number, number];
  pos: [number, number];
  widgets?: Widget[];
  inputs?: { name: string; link: number | null }[];
  graph?: { setDirtyCanvas?(front: boolean, back?: boolean): void; change?(): void };
  color?: string;
  bgcolor?: string;
  constructor: { nodeData?: NodeDefinition };
  properties?: Record<string, unknown>;
  addDOMWidget(name: string, type: string, element: HTMLElement, options?: DomWidgetOptions): Widget;
  setSize(size: [number, number]): void;
  computeSize(): [number, number];
  setDirtyCanvas(front: boolean, back?: boolean): void;
  /** No pictures of the output below the widgets, in the renderer of Vue. */
  hideOutputImages?: boolean;
  /** Draws them in the renderer on the canvas. */
  onDrawBackground?: (...all: unknown[]) => void;
  onExecuted?: (output: Record<string, unknown>) => void;
  onRemoved?: () => void;
  onResize?: (size: [number, number]) => void;
  onConfigure?: (info: SavedNode) => void;
}

/** What a saved workflow holds of a node. */
export interface SavedNode {
  widgets_values?: unknown[];
  widgets_values_named?: Record<string, unknown>;
}

/** The specification of one input: its type, or its choices, and its options. */
export type InputSpec = [type: string | string[], options?: InputOptions];

export interface InputOptions {
  default?: unknown;
  tooltip?: string;
  options?: (string | { key: string; inputs?: Inputs })[];
  [more: string]: unknown;
}

export interface Inputs {
  required?: Record<string, InputSpec>;
  optional?: Record<string, InputSpec>;
}

/** A node's definition as the server tells it. */
export interface NodeDefinition {
  name: string;
  api_node?: boolean;
  input?: Inputs;
  /** What is shown on the node of its price: an expression in JSONata. */
  price_badge?: { expr: string };
}

export interface NodeType {
  prototype: GraphNode;
}

export interface Extension {
  name: string;
  setup?(): void | Promise<void>;
  nodeCreated?(node: GraphNode): void;
  beforeRegisterNodeDef?(type: NodeType, definition: NodeDefinition): void | Promise<void>;
  getNodeMenuItems?(node: GraphNode): { content: string; callback(): void }[];
}

/** The server. */
export interface Api extends EventTarget {
  apiURL(route: string): string;
  fetchApi(route: string, init?: RequestInit): Promise<Response>;
}

/** The front end. */
export interface App {
  api: Api;
  graph: { nodes: GraphNode[]; setDirtyCanvas(front: boolean, back?: boolean): void };
  canvas: {
    setDirty(front: boolean, back?: boolean): void;
    ds: { scale: number };
    /** What happens between these two is one step of ComfyUI's undo. */
    emitBeforeChange?(): void;
    emitAfterChange?(): void;
  };
  registerExtension(extension: Extension): void;
  /** What the nodes of this graph have last put out, by node id. */
  nodeOutputs?: Record<string, Record<string, unknown>>;
  extensionManager: {
    setting: { get(name: string): unknown };
    toast?: { add(message: { severity: string; summary: string; detail?: string; life?: number }): void };
  };
}

/** Where a file lies that a node has made, as its `ui` output names it. */
export interface ServedFile {
  filename: string;
  subfolder: string;
  type: string;
}

/** The address of a file that a node has made; every part is escaped. */
export function fileURL(api: Pick<Api, "apiURL">, file: ServedFile): string {
  const query = new URLSearchParams({
    filename: file.filename,
    subfolder: file.subfolder,
    type: file.type,
  });
  return api.apiURL(`/view?${query}`);
}

/** True for the nodes of this pack. */
export function isOurs(name: string | undefined): boolean {
  return name?.startsWith("CAST") ?? false;
}

/** The widget of this name, if the node has it now. */
export function widgetOf(node: Pick<GraphNode, "widgets">, name: string): Widget | undefined {
  return node.widgets?.find((widget) => widget.name === name);
}
