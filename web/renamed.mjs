// What was renamed since older versions, so that saved workflows keep their meaning.
// Names are those of the widgets as the front end knows them ("backend.fov_deg").
//
// widgets: { CASTDepth: { "backend.old_name": "backend.new_name" } }
// values:  { CASTMesh:  { backend: { old_choice: "new_choice" } } }

export const RENAMED = { widgets: {}, values: {} };
