// The scene viewer and three.js behind it: loaded when a graph first has a node that shows a scene.

export { sharedRenderer } from "../viewer/shared_renderer.ts";
export { type EditsPort, SceneViewer } from "../viewer/viewer.ts";
