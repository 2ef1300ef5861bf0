// Built from frontend/src by `make web`; change it there.

// src/plain_colour.ts
import { app } from "../../scripts/app.js";

// src/shared/comfyui.ts
function isOurs(name) {
  return name?.startsWith("CAST") ?? false;
}

// src/plain_colour.ts
app.registerExtension({
  name: "cast.plainColour",
  nodeCreated(node) {
    const facts = node.constructor?.nodeData;
    if (!facts?.api_node || !isOurs(facts.name)) return;
    delete node.color;
    delete node.bgcolor;
  }
});
