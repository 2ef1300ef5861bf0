// The object picker of CAST Edit Objects: see picker/panel.ts.

import { app } from "../../scripts/app.js";
import { addPicker, type PickerApp } from "./picker/node.ts";

app.registerExtension({
  name: "cast.picker",
  nodeCreated(node) {
    addPicker(app as unknown as PickerApp, node);
  },
});
