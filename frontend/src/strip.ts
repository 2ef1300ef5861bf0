// The object strip of CAST Review Objects: see strip/view.ts.

import { app } from "../../scripts/app.js";
import { addStrip, stripMenu, type StripApp } from "./strip/node.ts";

const host = app as unknown as StripApp;

app.registerExtension({
  name: "cast.strip",
  nodeCreated: (node) => addStrip(host, node),
  getNodeMenuItems: (node) => stripMenu(host, node),
});
