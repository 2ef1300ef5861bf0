// What a node does, did, cost and lacks, on its face: see status/node.ts.

import { app } from "../../scripts/app.js";
import { isOurs } from "./shared/comfyui.ts";
import { Status, type StatusApp } from "./status/node.ts";

const status = new Status(app as unknown as StatusApp);

app.registerExtension({
  name: "cast.status",
  setup() {
    status.listen();
    void status.ask();
  },
  nodeCreated(node) {
    if (isOurs(node.constructor?.nodeData?.name)) status.follow(node);
  },
});
