// What was renamed since older versions, so that saved workflows keep their meaning.
// Names are those of the widgets as the front end knows them ("backend.fov_deg").
//
// widgets: { CASTDepth: { "backend.old_name": "backend.new_name" } }
// values:  { CASTMesh:  { backend: { old_choice: "new_choice" } } }

export interface Renamed {
  widgets: Record<string, Record<string, string>>;
  values: Record<string, Record<string, Record<string, string>>>;
}

export const RENAMED: Renamed = { widgets: {}, values: {} };
