// A price badge is only shown on what ComfyUI calls API nodes, and those it paints yellow. The
// pack's nodes are free unless a paid backend is chosen, so they keep the plain colour.

import { app } from "../../scripts/app.js";

app.registerExtension({
  name: "cast.plainColour",
  nodeCreated(node) {
    const facts = node.constructor?.nodeData;
    if (!facts?.api_node || !facts.name?.startsWith("CAST")) return;
    delete node.color;
    delete node.bgcolor;
  },
});
