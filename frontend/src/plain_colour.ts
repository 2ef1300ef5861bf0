// A price badge is only shown on what ComfyUI calls API nodes, and those it paints yellow. The
// pack's nodes are free unless a paid backend is chosen, so they keep the plain colour.

import { app } from "../../scripts/app.js";
import { isOurs } from "./shared/comfyui.ts";

app.registerExtension({
  name: "cast.plainColour",
  nodeCreated(node) {
    const facts = node.constructor?.nodeData;
    if (!facts?.api_node || !isOurs(facts.name)) return;
    delete node.color;
    delete node.bgcolor;
  },
});
