// Built from frontend/src by `make web`; change it there.

// src/scene_viewer.ts
import { app } from "../../scripts/app.js";

// src/shared/comfyui.ts
function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

// src/shared/dom.ts
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== void 0 && value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

// src/viewer/texts.ts
var ENGLISH = {
  empty: "Run the graph to see the scene here.",
  loading: "The scene is loading…",
  gone: "The files of this scene are no longer on the server: queue the graph again.",
  failed: "The scene cannot be shown",
  noWebGL: "This browser cannot draw in 3D (WebGL 2): turn on hardware acceleration or its software replacement.",
  view: "View",
  photo: "Photo camera",
  photoTip: "Through the photo's own camera (1). Wheel: enlarge, drag: push.",
  orbit: "Orbit",
  orbitTip: "Walk around the scene (2). Drag: turn, right drag: push, wheel: nearer and farther, arrow keys.",
  compare: "Compare with the photo",
  off: "Scene",
  offTip: "The scene alone",
  wipe: "Wipe",
  wipeTip: "Photo on the left of the line, scene on its right; drag the line or use the arrow keys",
  blink: "Blink",
  blinkTip: "Photo and scene in turn",
  difference: "Difference",
  differenceTip: "Black where photo and scene are the same",
  outline: "Outline",
  outlineTip: "Over the photo: blue the objects as the photo shows them, orange as the scene does",
  thePhoto: "Photo",
  divider: "Line between photo and scene",
  show: "Show",
  floor: "Floor",
  room: "Room",
  camera: "Camera",
  points: "Points",
  fit: "Fit",
  fitTip: "Colour the objects by how well they cover the photo: red poor, green good",
  move: "Move",
  turn: "Turn",
  size: "Size",
  moveTip: "Move the selected object (W); Shift and arrow keys, Page Up and Down",
  turnTip: "Turn the selected object (E); Shift and arrow keys",
  sizeTip: "Make the selected object larger or smaller (R); Shift and arrow keys",
  edit: "Change the selected object",
  undo: "Undo",
  redo: "Redo",
  reset: "Reset",
  resetTip: "Take back what was changed of the selected object's pose; it is placed anew when you queue",
  picture: "Save picture",
  glb: "Save GLB, with your changes",
  text: "The changes as text",
  textHint: "Changes by an object's number, as JSON; applied when you queue.",
  textBad: "This is no usable JSON: the scene keeps what was there before.",
  objects: "Objects",
  hide: "Show or hide (V)",
  solo: "Show this one alone (S)",
  lock: "Lock: nothing moves it when you queue (L)",
  changed: "changed, queue to apply",
  notPlaced: "not in the scene",
  iou: "overlap with the photo (IoU)",
  atRegister: "at Register",
  unmeasured: "overlap not measured",
  depthOff: "its distance is off by",
  ofSize: "of its size",
  ambiguous: "another pose fits nearly as well",
  one: "object",
  summary: "objects",
  median: "median IoU"
};
var CHINESE = {
  empty: "运行工作流后，场景会显示在这里。",
  loading: "正在载入场景…",
  gone: "服务器上已没有该场景的文件：请重新运行工作流。",
  failed: "无法显示场景",
  noWebGL: "此浏览器无法进行 3D 绘制（WebGL 2）：请启用硬件加速或软件替代。",
  view: "视图",
  photo: "照片相机",
  photoTip: "从照片自身的相机观看（1）。滚轮：放大，拖动：平移。",
  orbit: "环绕",
  orbitTip: "环绕场景观看（2）。拖动：旋转，右键拖动：平移，滚轮：远近，也可用方向键。",
  compare: "与照片对比",
  off: "场景",
  offTip: "只看场景",
  wipe: "划变",
  wipeTip: "分界线左侧为照片，右侧为场景；拖动分界线或用方向键",
  blink: "闪烁",
  blinkTip: "照片与场景交替显示",
  difference: "差异",
  differenceTip: "照片与场景相同处为黑色",
  outline: "轮廓",
  outlineTip: "叠加在照片上：蓝色为照片中的物体轮廓，橙色为场景中的轮廓",
  thePhoto: "照片",
  divider: "照片与场景的分界线",
  show: "显示",
  floor: "地面",
  room: "房间",
  camera: "相机",
  points: "点云",
  fit: "吻合度",
  fitTip: "按与照片的吻合程度给物体着色：红色差，绿色好",
  move: "移动",
  turn: "旋转",
  size: "大小",
  moveTip: "移动所选物体（W）；Shift 加方向键、Page Up 和 Page Down",
  turnTip: "旋转所选物体（E）；Shift 加方向键",
  sizeTip: "放大或缩小所选物体（R）；Shift 加方向键",
  edit: "修改所选物体",
  undo: "撤销",
  redo: "重做",
  reset: "还原",
  resetTip: "撤回对所选物体位姿的修改；再次运行时重新摆放",
  picture: "保存图片",
  glb: "保存 GLB（含修改）",
  text: "以文本显示修改",
  textHint: "按物体编号的修改（JSON），运行时生效。",
  textBad: "不是可用的 JSON：场景保持原样。",
  objects: "物体",
  hide: "显示或隐藏（V）",
  solo: "只显示此物体（S）",
  lock: "锁定：运行时不再移动（L）",
  changed: "已修改，运行后生效",
  notPlaced: "不在场景中",
  iou: "与照片的重叠（IoU）",
  atRegister: "配准时",
  unmeasured: "未测量重叠",
  depthOff: "距离与测得的相差",
  ofSize: "（占其大小）",
  ambiguous: "另有位姿几乎同样吻合",
  one: "个物体",
  summary: "个物体",
  median: "IoU 中位数"
};
function textsOf(language) {
  return String(language ?? "").startsWith("zh") ? CHINESE : ENGLISH;
}

// src/scene_viewer.ts
var NODES = /* @__PURE__ */ new Set(["CASTComposeScene", "CASTPreviewScene"]);
var OUTPUT = "cast_scene";
var EDITS = "edits";
var SMALLEST_PX = { width: 560, height: 420 };
function editsPort(node, changed) {
  const widget = widgetOf(node, EDITS);
  if (!widget) return null;
  widget.hidden = true;
  (widget.options ??= {})["hidden"] = true;
  const before = widget.callback;
  let writing = false;
  widget.callback = function(value, ...rest) {
    before?.call(this, value, ...rest);
    if (!writing) changed();
  };
  return {
    read: () => String(widgetOf(node, EDITS)?.value ?? ""),
    write: (text) => {
      const now = widgetOf(node, EDITS);
      if (!now || now.value === text) return;
      writing = true;
      app.canvas.emitBeforeChange?.();
      try {
        now.value = text;
        now.callback?.(text);
      } finally {
        writing = false;
        app.canvas.emitAfterChange?.();
      }
    }
  };
}
function placeHolder(texts, open) {
  const host = element("div", { class: "cast-scene-viewer" }, element("p", {}, texts.empty));
  host.style.cssText = "display: grid; place-content: center; width: 100%; height: 100%; min-height: 390px; text-align: center;color: var(--input-text); background: var(--comfy-menu-bg); border-radius: 6px; font-size: 13px";
  Object.assign(host, { type: "textarea" });
  if (open) {
    const button = element("button", { type: "button", onclick: open }, texts.text);
    button.style.cssText = "justify-self: center; padding: 2px 8px; font-size: 11px; cursor: pointer; border-radius: 4px; opacity: 0.75;color: inherit; background: none; border: 1px solid var(--border-color)";
    host.append(button);
  }
  return host;
}
function addViewer(node) {
  let viewer = null;
  let removed = false;
  const edits = editsPort(node, () => viewer?.editsChanged());
  const language = app.extensionManager.setting.get("Comfy.Locale");
  const mount = async () => {
    const { SceneViewer } = await import("./lib/viewer.mjs");
    if (!removed) viewer ??= new SceneViewer(host, { api: app.api, language, edits });
    return viewer;
  };
  const show = async (output) => {
    const files = output?.[OUTPUT]?.[0];
    if (files !== void 0 && !removed) await (await mount())?.show(files);
  };
  const host = placeHolder(textsOf(language), edits === null ? null : () => void mount());
  const widget = node.addDOMWidget("cast_scene_viewer", "CAST_SCENE_VIEWER", host, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => SMALLEST_PX.height
  });
  widget.serialize = false;
  node.setSize([Math.max(node.size[0], SMALLEST_PX.width), Math.max(node.size[1], node.computeSize()[1])]);
  node.hideOutputImages = true;
  node.onDrawBackground = () => {
  };
  const executed = node.onExecuted;
  node.onExecuted = function(output) {
    executed?.call(this, output);
    void show(output);
  };
  const gone = node.onRemoved;
  node.onRemoved = function() {
    gone?.call(this);
    removed = true;
    viewer?.dispose();
  };
  setTimeout(() => {
    if (node.graph === app.graph) void show(app.nodeOutputs?.[node.id]);
  }, 0);
}
app.registerExtension({
  name: "cast.sceneViewer",
  nodeCreated(node) {
    if (NODES.has(node.constructor.nodeData?.name ?? "")) addViewer(node);
  }
});
