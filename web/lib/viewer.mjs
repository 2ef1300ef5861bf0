// Built from frontend/src by `make web`; change it there.

// src/viewer/shared_renderer.ts
import * as THREE from "./three.mjs";
var LINGER_MS = 3e3;
var SharedRenderer = class {
  renderer = null;
  users = /* @__PURE__ */ new Set();
  leaving;
  width = 0;
  height = 0;
  /** A viewer begins; `redraw` is called when the context was lost and has come back. */
  enter(redraw) {
    clearTimeout(this.leaving);
    this.users.add(redraw);
  }
  /** A viewer is gone. */
  leave(redraw) {
    this.users.delete(redraw);
    if (this.users.size) return;
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.close(), LINGER_MS);
  }
  /** Draws the scene and copies the picture onto the canvas, which must be of the same size. */
  draw(scene, camera, onto) {
    const { width, height } = onto.canvas;
    const renderer = this.ready(width, height);
    renderer.setRenderTarget(null);
    renderer.setViewport(0, 0, width, height);
    renderer.setScissor(0, 0, width, height);
    renderer.setScissorTest(true);
    renderer.render(scene, camera);
    onto.globalCompositeOperation = "copy";
    onto.drawImage(renderer.domElement, 0, this.height - height, width, height, 0, 0, width, height);
    onto.globalCompositeOperation = "source-over";
  }
  /** The RGBA bytes of a picture drawn into a target, rows from the top. */
  read(scene, camera, target) {
    const { width, height } = target;
    const renderer = this.ready(1, 1);
    const pixels = new Uint8Array(4 * width * height);
    renderer.setRenderTarget(target);
    renderer.setScissorTest(false);
    renderer.clear();
    renderer.render(scene, camera);
    renderer.readRenderTargetPixels(target, 0, 0, width, height, pixels);
    renderer.setRenderTarget(null);
    const turned = new Uint8Array(pixels.length);
    for (let row = 0; row < height; row++)
      turned.set(pixels.subarray(4 * width * row, 4 * width * (row + 1)), 4 * width * (height - 1 - row));
    return turned;
  }
  statistics() {
    const memory = this.renderer?.info.memory;
    return {
      viewers: this.users.size,
      contexts: this.renderer ? 1 : 0,
      geometries: memory?.geometries ?? 0,
      textures: memory?.textures ?? 0
    };
  }
  ready(width, height) {
    if (!this.renderer) {
      this.renderer = new THREE.WebGLRenderer({ antialias: false, alpha: true });
      this.renderer.setPixelRatio(1);
      this.renderer.domElement.addEventListener("webglcontextrestored", () => {
        for (const redraw of this.users) redraw();
      });
      [this.width, this.height] = [0, 0];
    }
    if (width > this.width || height > this.height) {
      [this.width, this.height] = [Math.max(width, this.width), Math.max(height, this.height)];
      this.renderer.setSize(this.width, this.height, false);
    }
    return this.renderer;
  }
  close() {
    this.renderer?.dispose();
    this.renderer?.forceContextLoss();
    this.renderer = null;
  }
};
var sharedRenderer = new SharedRenderer();

// src/viewer/viewer.ts
import * as THREE7 from "./three.mjs";

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
var LONGEST_TEXT = 200;
function oneLine(text, longest = LONGEST_TEXT) {
  const plain = String(text ?? "").replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
  const letters = Array.from(plain);
  return letters.length > longest ? `${letters.slice(0, longest).join("")}…` : plain;
}
function shadowWith(host, css) {
  const root = host.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css;
  root.append(style);
  return root;
}

// src/shared/history.ts
var LONGEST = 200;
var History = class {
  constructor(now) {
    this.now = now;
  }
  now;
  past = [];
  future = [];
  get current() {
    return this.now;
  }
  get canUndo() {
    return this.past.length > 0;
  }
  get canRedo() {
    return this.future.length > 0;
  }
  /** The next value; what was undone before is gone. The same value again is no step. */
  push(value) {
    if (value === this.now) return;
    this.past = [...this.past.slice(1 - LONGEST), this.now];
    this.future = [];
    this.now = value;
  }
  undo() {
    if (this.past.length) {
      this.future.push(this.now);
      this.now = this.past.pop();
    }
    return this.now;
  }
  redo() {
    if (this.future.length) {
      this.past.push(this.now);
      this.now = this.future.pop();
    }
    return this.now;
  }
};

// src/viewer/about.ts
function shownIou(object) {
  return object.scene_iou ?? object.iou;
}
function fitColour(iou) {
  if (iou === null || !Number.isFinite(iou)) return [128, 128, 132];
  const stops = [
    [0.3, [200, 40, 40]],
    [0.5, [226, 120, 30]],
    [0.7, [226, 196, 50]],
    [0.9, [46, 160, 78]]
  ];
  const share = Math.min(Math.max(iou, 0.3), 0.9);
  const after = Math.max(1, stops.findIndex(([at]) => at >= share));
  const [low, from] = stops[after - 1];
  const [high, to] = stops[after];
  const t = (share - low) / (high - low);
  return from.map((c, i) => Math.round(c + t * (to[i] - c)));
}
function isSceneFiles(value) {
  if (typeof value !== "object" || value === null) return false;
  return ["glb", "about", "photo", "masks", "points"].every((name) => {
    const file = value[name];
    return typeof file === "object" && file !== null && typeof file.filename === "string";
  });
}

// src/viewer/outline.ts
function inFrame(map, frame, width, height) {
  const ids = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y + 0.5 - frame.y) / frame.height * map.height);
    if (row < 0 || row >= map.height) continue;
    for (let x = 0; x < width; x++) {
      const column = Math.floor((x + 0.5 - frame.x) / frame.width * map.width);
      if (column >= 0 && column < map.width) ids[y * width + x] = map.ids[row * map.width + column];
    }
  }
  return { width, height, ids };
}
function paintOutlines(map, colour, pixels, thickness = 1) {
  const { width, height, ids } = map;
  const other = (id, x, y) => x >= 0 && y >= 0 && x < width && y < height && ids[y * width + x] !== id;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const id = ids[y * width + x];
      if (id === 0) continue;
      let edge = false;
      for (let d = 1; d <= thickness && !edge; d++)
        edge = other(id, x - d, y) || other(id, x + d, y) || other(id, x, y - d) || other(id, x, y + d);
      if (edge) pixels.set([...colour, 255], 4 * (y * width + x));
    }
  }
}

// src/viewer/comparing.ts
var PHOTO_LINE = [64, 190, 255];
var SCENE_LINE = [255, 140, 40];
function drawComparison(onto, { compare, wipe, photoNow, photo, frame }) {
  const { x, y, width, height } = frame;
  const whole = () => onto.drawImage(photo, x, y, width, height);
  onto.save();
  if (compare === "wipe") {
    onto.beginPath();
    onto.rect(x, y, wipe * width, height);
    onto.clip();
    whole();
  } else if (compare === "blink" && photoNow) whole();
  else if (compare === "difference") {
    onto.globalCompositeOperation = "difference";
    whole();
  } else if (compare === "outline") {
    whole();
    onto.fillStyle = "rgb(0 0 0 / 35%)";
    onto.fillRect(x, y, width, height);
  }
  onto.restore();
}
function drawFrame(onto, { x, y, width, height }) {
  onto.save();
  onto.strokeStyle = "rgb(255 255 255 / 45%)";
  onto.lineWidth = 1;
  onto.strokeRect(Math.round(x) + 0.5, Math.round(y) + 0.5, Math.round(width) - 1, Math.round(height) - 1);
  onto.restore();
}
function outlinePicture(scene, masks, frame) {
  const { width, height } = scene;
  const picture = new ImageData(width, height);
  const thickness = Math.max(1, Math.round(Math.max(width, height) / 700));
  paintOutlines(inFrame(masks, frame, width, height), PHOTO_LINE, picture.data, thickness);
  paintOutlines(scene, SCENE_LINE, picture.data, thickness);
  return picture;
}

// src/viewer/edits.ts
function parseEdits(text) {
  if (!text.trim()) return {};
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const entries = isRecord(value) ? Object.entries(value) : [];
  if (!isRecord(value) || entries.some(([id, entry]) => !/^\d+$/.test(id.trim()) || !isRecord(entry))) return null;
  return Object.fromEntries(entries.map(([id, entry]) => [String(Number(id)), entry]));
}
function editsText(edits) {
  const lines = Object.entries(edits).filter(([, entry]) => Object.keys(entry).length > 0).map(([id, entry]) => `${JSON.stringify(id)}: ${compact(entry)}`);
  return lines.length ? `{${lines.join(",\n ")}}` : "";
}
function compact(value) {
  if (Array.isArray(value)) return `[${value.map(compact).join(", ")}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, v]) => `${JSON.stringify(key)}: ${compact(v)}`);
  return `{${entries.join(", ")}}`;
}
function withPose(edits, id, pose) {
  return { ...edits, [id]: { ...edits[id], ...rounded(pose) } };
}
function withoutPose(edits, id) {
  const { position: _p, rotation_deg: _r, scale: _s, locked, ...rest } = edits[id] ?? {};
  return replaced(edits, id, locked === true ? { ...rest, locked } : rest);
}
function withLock(edits, id, locked) {
  const { locked: _, ...rest } = edits[id] ?? {};
  const byItself = poseOf(rest) !== null;
  if (locked) return replaced(edits, id, byItself ? rest : { ...rest, locked });
  return replaced(edits, id, byItself ? { ...rest, locked } : rest);
}
function isLocked(edits, id) {
  const entry = edits[id];
  return entry !== void 0 && (entry.locked ?? poseOf(entry) !== null);
}
function poseOf(entry) {
  if (!entry) return null;
  const pose = {};
  if (isTriple(entry.position)) pose.position = entry.position;
  if (isTriple(entry.rotation_deg)) pose.rotation_deg = entry.rotation_deg;
  if (typeof entry.scale === "number" && entry.scale > 0) pose.scale = entry.scale;
  return Object.keys(pose).length ? pose : null;
}
function replaced(edits, id, entry) {
  const { [id]: _, ...others } = edits;
  return Object.keys(entry).length ? { ...edits, [id]: entry } : others;
}
function rounded(pose) {
  const round = (value, digits) => Number(value.toFixed(digits)) + 0;
  return {
    position: pose.position.map((v) => round(v, 5)),
    rotation_deg: pose.rotation_deg.map((v) => round(v, 3)),
    scale: Number(pose.scale.toPrecision(6))
  };
}
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function isTriple(value) {
  return Array.isArray(value) && value.length === 3 && value.every((v) => Number.isFinite(v));
}

// src/viewer/gizmo.ts
import * as THREE4 from "./three.mjs";

// src/viewer/scene_model.ts
import * as THREE3 from "./three.mjs";

// src/viewer/materials.ts
import * as THREE2 from "./three.mjs";
function matt(material) {
  if (!material.isMeshStandardMaterial) return material;
  const source = material;
  return new THREE2.MeshLambertMaterial({
    name: material.name,
    map: source.map ?? null,
    color: source.color,
    emissive: source.emissive,
    emissiveMap: source.emissiveMap ?? null,
    flatShading: source.flatShading ?? false,
    vertexColors: material.vertexColors,
    side: material.side,
    transparent: material.transparent,
    opacity: material.opacity,
    alphaTest: material.alphaTest,
    depthWrite: material.depthWrite
  });
}
var VERTEX = `
varying vec2 at;
void main() {
  at = uv;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;
var FRAGMENT = `
uniform vec2 number;
uniform sampler2D map;
uniform float cutoff;
varying vec2 at;
void main() {
  if (cutoff > 0.0 && texture2D(map, at).a < cutoff) discard;
  gl_FragColor = vec4(number, 0.0, 1.0);
}`;
function numbered(number, look) {
  const map = look.map ?? null;
  return new THREE2.ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    side: look.side,
    uniforms: {
      number: { value: new THREE2.Vector2((number & 255) / 255, (number >> 8) / 255) },
      map: { value: map },
      cutoff: { value: map ? look.alphaTest || (look.transparent ? 0.5 : 0) : 0 }
    }
  });
}
function freeMaterial(material) {
  for (const value of Object.values(material)) {
    if (!value?.isTexture) continue;
    const texture = value;
    texture.source.data?.close?.();
    texture.dispose();
  }
  material.dispose();
}

// src/viewer/photo_camera.ts
var WHOLE_PHOTO = { zoom: 1, u: 0.5, v: 0.5 };
var MOST_ZOOM = 40;
function photoFrame(width, height, aspect, at) {
  const fitting = Math.min(width, height * aspect) * at.zoom;
  const size = { width: fitting, height: fitting / aspect };
  return { x: width / 2 - at.u * size.width, y: height / 2 - at.v * size.height, ...size };
}
function zoomedAt(at, factor, point, area, aspect) {
  const zoom = Math.min(Math.max(at.zoom * factor, 1), MOST_ZOOM);
  if (zoom === 1) return WHOLE_PHOTO;
  const before = photoFrame(area.width, area.height, aspect, at);
  const held = { u: (point.x - before.x) / before.width, v: (point.y - before.y) / before.height };
  const after = photoFrame(area.width, area.height, aspect, { ...at, zoom });
  return inside({
    zoom,
    u: held.u - (point.x - area.width / 2) / after.width,
    v: held.v - (point.y - area.height / 2) / after.height
  });
}
function pushed(at, by, area, aspect) {
  const frame = photoFrame(area.width, area.height, aspect, at);
  if (at.zoom === 1) return at;
  return inside({ zoom: at.zoom, u: at.u - by.x / frame.width, v: at.v - by.y / frame.height });
}
var inside = (at) => ({
  zoom: at.zoom,
  u: Math.min(Math.max(at.u, 0), 1),
  v: Math.min(Math.max(at.v, 0), 1)
});
function projection(intrinsics, photo, frame, area, near, far) {
  const k = (row, column) => intrinsics[row][column];
  const x = [2 * k(0, 0) / photo.width, -2 * k(0, 1) / photo.width, 1 - 2 * k(0, 2) / photo.width];
  const y = [0, 2 * k(1, 1) / photo.height, 2 * k(1, 2) / photo.height - 1];
  const scale = [frame.width / area.width, frame.height / area.height];
  const shift = [
    (2 * frame.x + frame.width) / area.width - 1,
    1 - (2 * frame.y + frame.height) / area.height
  ];
  const row0 = [scale[0] * x[0], scale[0] * x[1], scale[0] * x[2] - shift[0]];
  const row1 = [0, scale[1] * y[1], scale[1] * y[2] - shift[1]];
  const depth = [-(far + near) / (far - near), -2 * far * near / (far - near)];
  return [
    row0[0],
    row1[0],
    0,
    0,
    row0[1],
    row1[1],
    0,
    0,
    row0[2],
    row1[2],
    depth[0],
    -1,
    0,
    0,
    depth[1],
    0
  ];
}
function cameraPose(worldFromCamera) {
  const made = [];
  for (let column = 0; column < 4; column++) {
    const sign = column === 1 || column === 2 ? -1 : 1;
    for (let row = 0; row < 4; row++) made.push(sign * worldFromCamera[row][column]);
  }
  return made;
}
function fieldOfView(intrinsics, height) {
  return 2 * Math.atan(height / (2 * intrinsics[1][1])) * 180 / Math.PI;
}
function cornerRays(about) {
  const [fx, cx] = [about.intrinsics[0][0], about.intrinsics[0][2]];
  const [fy, cy] = [about.intrinsics[1][1], about.intrinsics[1][2]];
  return [
    [0, 0],
    [about.width, 0],
    [about.width, about.height],
    [0, about.height]
  ].map(([u, v]) => [(u - cx) / fx, -(v - cy) / fy, -1]);
}

// src/viewer/scene_model.ts
var SELECTED = 4892927;
var SceneModel = class {
  constructor(gltf, about) {
    this.about = about;
    this.takeApart(gltf);
    const bounds = this.objectBounds();
    this.size = Math.max(...bounds.getSize(new THREE3.Vector3()).toArray(), 1e-6);
    bounds.getCenter(this.middle);
    this.addLights();
    this.addCamera();
    if (!this.layers.floor.children.length) this.addGrid();
    this.selection = new THREE3.LineSegments(
      new THREE3.EdgesGeometry(new THREE3.BoxGeometry(1, 1, 1)),
      new THREE3.LineBasicMaterial({ color: SELECTED, depthTest: false, transparent: true })
    );
    this.selection.visible = false;
    this.selection.renderOrder = 10;
    for (const name of ["camera", "points"]) this.layers[name].visible = false;
    this.scene.add(...Object.values(this.layers), this.selection);
  }
  about;
  scene = new THREE3.Scene();
  pieces = /* @__PURE__ */ new Map();
  /** Its longest side, in the scene's unit. */
  size;
  middle = new THREE3.Vector3();
  layers = {
    floor: new THREE3.Group(),
    room: new THREE3.Group(),
    camera: new THREE3.Group(),
    points: new THREE3.Group()
  };
  roomLooks = [];
  selection;
  show(layer, visible) {
    this.layers[layer].visible = visible;
  }
  /** Shows these objects alone; null shows all. */
  showObjects(ids) {
    for (const [id, piece] of this.pieces) piece.node.visible = ids === null || ids.has(id);
  }
  /** Colours the objects by how well they fit, or as they are. */
  colourByFit(on) {
    for (const piece of this.pieces.values())
      for (const look of piece.looks) {
        if (on) look.fit ??= fitMaterial(shownIou(piece.about), look.own);
        look.mesh.material = on ? look.fit : look.own;
      }
  }
  /** A box around this object; null takes it away. */
  select(id) {
    const piece = id === null ? void 0 : this.pieces.get(id);
    this.selection.visible = piece !== void 0;
    if (!piece) return;
    const box = ownBounds(piece.node);
    piece.node.updateWorldMatrix(true, false);
    const place = new THREE3.Matrix4().makeTranslation(box.getCenter(new THREE3.Vector3()));
    place.scale(box.getSize(new THREE3.Vector3()).multiplyScalar(1.01));
    this.selection.matrixAutoUpdate = false;
    this.selection.matrix.multiplyMatrices(piece.node.matrixWorld, place);
    this.selection.matrixWorldNeedsUpdate = true;
  }
  pose(id) {
    const piece = this.pieces.get(id);
    return piece ? poseOfNode(piece.node) : null;
  }
  /** Places an object; what is not named is as the server gave it. */
  place(id, pose) {
    const piece = this.pieces.get(id);
    if (piece) placeNode(piece.node, { ...piece.given, ...pose });
  }
  /** Which object each pixel shows, seen through the camera: 0 none, otherwise 1 + its index. */
  readNumbers(read) {
    const looks = [...this.roomLooks, ...[...this.pieces.values()].flatMap((p) => p.looks)];
    const beside = [this.layers.camera, this.layers.points, this.selection];
    const shown = beside.map((o) => o.visible);
    const worn = looks.map((look) => look.mesh.material);
    const background = this.scene.background;
    this.scene.background = null;
    for (const object of beside) object.visible = false;
    for (const look of looks) look.mesh.material = look.number;
    try {
      const pixels = read(this.scene);
      const numbers = new Uint16Array(pixels.length / 4);
      for (let i = 0; i < numbers.length; i++) numbers[i] = pixels[4 * i] + 256 * pixels[4 * i + 1];
      return numbers;
    } finally {
      looks.forEach((look, i) => look.mesh.material = worn[i]);
      beside.forEach((object, i) => object.visible = shown[i]);
      this.scene.background = background;
    }
  }
  addPoints(cloud) {
    const geometry = new THREE3.BufferGeometry();
    geometry.setAttribute("position", new THREE3.BufferAttribute(cloud.values, 3));
    geometry.setAttribute("color", new THREE3.BufferAttribute(linear(cloud.colours), 3, true));
    const material = new THREE3.PointsMaterial({ size: 2, sizeAttenuation: false, vertexColors: true });
    const points = new THREE3.Points(geometry, material);
    points.position.fromArray(cloud.corner);
    points.scale.fromArray(cloud.step);
    this.layers.points.add(points);
  }
  get hasPoints() {
    return this.layers.points.children.length > 0;
  }
  /** Frees all geometries, materials and pictures. */
  dispose() {
    const looks = [...this.roomLooks, ...[...this.pieces.values()].flatMap((p) => p.looks)];
    for (const { mesh, own, number, fit } of looks) {
      for (const material of [own].flat()) freeMaterial(material);
      number.dispose();
      fit?.dispose();
      mesh.material = [];
    }
    this.scene.traverse((object) => {
      const drawn = object;
      drawn.geometry?.dispose();
      for (const material of drawn.material ? [drawn.material].flat() : []) freeMaterial(material);
    });
    this.scene.clear();
    this.pieces.clear();
  }
  takeApart(gltf) {
    gltf.updateMatrixWorld(true);
    const index = new Map(this.about.objects.map((object, i) => [object.id, i]));
    const byNode = new Map(this.about.objects.map((object) => [object.node, object]));
    for (const root of [...gltf.children]) {
      const name = nameOf(root);
      const about = byNode.get(name);
      if (about) {
        const number = index.get(about.id) + 1;
        this.pieces.set(about.id, { about, node: root, given: poseOfNode(root), looks: dress(root, number) });
        this.scene.add(root);
      } else if (name === "room") {
        for (const part of [...root.children]) {
          this.roomLooks.push(...dress(part, 0));
          this.layers[nameOf(part).startsWith("room/floor") ? "floor" : "room"].add(part);
        }
      }
    }
  }
  /** The box around all objects, or around the room where there are none. */
  objectBounds() {
    const box = new THREE3.Box3();
    for (const { node } of this.pieces.values()) box.expandByObject(node);
    if (box.isEmpty()) box.setFromObject(this.layers.room).expandByObject(this.layers.floor);
    return box.isEmpty() ? new THREE3.Box3(new THREE3.Vector3(-1, 0, -1), new THREE3.Vector3(1, 1, 1)) : box;
  }
  /** The light of the engine's own pictures: a sky, a lamp and a weak one from the other side. */
  addLights() {
    this.scene.add(new THREE3.HemisphereLight(16777215, 7500402, 0.54 * Math.PI));
    const camera = new THREE3.Matrix4().fromArray(cameraPose(this.about.world_from_camera));
    const lamps = [
      [-0.55, 0.65, 0.52, 0.54],
      [0.8, 0.15, 0.58, 0.14]
    ];
    for (const [x, y, z, power] of lamps) {
      const lamp = new THREE3.DirectionalLight(16777215, power * Math.PI);
      lamp.position.set(x, y, z).transformDirection(camera);
      this.scene.add(lamp);
    }
  }
  /** The photo's camera: lines to the corners of what it sees. */
  addCamera() {
    const length = 0.25 * this.size;
    const corners = cornerRays(this.about).map((ray) => new THREE3.Vector3(...ray).multiplyScalar(length));
    const top = corners[0].clone().lerp(corners[1], 0.5);
    const up = top.clone().setY(top.y + 0.06 * length);
    const lines = [];
    corners.forEach((corner, i) => lines.push(new THREE3.Vector3(), corner, corner, corners[(i + 1) % 4]));
    lines.push(corners[0].clone().lerp(top, 0.6), up, up, corners[1].clone().lerp(top, 0.6));
    const made = new THREE3.LineSegments(
      new THREE3.BufferGeometry().setFromPoints(lines),
      new THREE3.LineBasicMaterial({ color: 16752691 })
    );
    new THREE3.Matrix4().fromArray(cameraPose(this.about.world_from_camera)).decompose(made.position, made.quaternion, made.scale);
    this.layers.camera.add(made);
  }
  addGrid() {
    const grid = new THREE3.GridHelper(6 * this.size, 60, 8947848, 6710886);
    grid.position.set(this.middle.x, 0, this.middle.z);
    this.layers.floor.add(grid);
  }
};
function nameOf(node) {
  return typeof node.userData.name === "string" ? node.userData.name : node.name;
}
function dress(root, number) {
  const looks = [];
  const made = /* @__PURE__ */ new Map();
  root.traverse((object) => {
    const mesh = object;
    if (!mesh.isMesh) return;
    const wear = (material) => {
      if (!made.has(material)) {
        made.set(material, matt(material));
        freeUnused(material, made.get(material));
      }
      return made.get(material);
    };
    const own = Array.isArray(mesh.material) ? mesh.material.map(wear) : wear(mesh.material);
    mesh.material = own;
    looks.push({ mesh, own, number: numbered(number, [own].flat()[0]), fit: null });
  });
  return looks;
}
function freeUnused(before, after) {
  if (before === after) return;
  const kept = new Set(Object.values(after));
  for (const value of Object.values(before)) {
    if (!value?.isTexture || kept.has(value)) continue;
    value.dispose();
  }
  before.dispose();
}
function fitMaterial(iou, look) {
  const own = [look].flat()[0];
  const colour = new THREE3.Color().setRGB(...fitColour(iou).map((c) => c / 255), THREE3.SRGBColorSpace);
  return new THREE3.MeshLambertMaterial({ color: colour, side: own.side, flatShading: own.flatShading ?? false });
}
function ownBounds(node) {
  node.updateWorldMatrix(true, true);
  const inverse = node.matrixWorld.clone().invert();
  const box = new THREE3.Box3();
  const part = new THREE3.Box3();
  node.traverse((object) => {
    const mesh = object;
    if (!mesh.isMesh) return;
    if (!mesh.geometry.boundingBox) mesh.geometry.computeBoundingBox();
    part.copy(mesh.geometry.boundingBox).applyMatrix4(new THREE3.Matrix4().multiplyMatrices(inverse, mesh.matrixWorld));
    box.union(part);
  });
  return box.isEmpty() ? box.set(new THREE3.Vector3(), new THREE3.Vector3()) : box;
}
var DEGREES = 180 / Math.PI;
function poseOfNode(node) {
  const turn = new THREE3.Euler().setFromQuaternion(node.quaternion, "XYZ");
  return {
    position: node.position.toArray(),
    rotation_deg: [turn.x * DEGREES, turn.y * DEGREES, turn.z * DEGREES],
    scale: node.scale.x
  };
}
function placeNode(node, pose) {
  node.position.fromArray(pose.position);
  const [x, y, z] = pose.rotation_deg;
  node.quaternion.setFromEuler(new THREE3.Euler(x / DEGREES, y / DEGREES, z / DEGREES, "XYZ"));
  node.scale.setScalar(pose.scale);
  node.updateMatrixWorld(true);
}
function linear(srgb) {
  const table = Uint8Array.from({ length: 256 }, (_, i) => {
    const v = i / 255;
    return Math.round(255 * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  });
  return srgb.map((v) => table[v]);
}

// src/viewer/gizmo.ts
var MODES = { move: "translate", turn: "rotate", size: "scale" };
var SMALLEST_FACTOR = 0.02;
var Gizmo = class {
  /**
   * @param onChange the picture has changed.
   * @param onDrag a drag begins or ends.
   * @param onMoved the object has another pose.
   */
  constructor(camera, surface, onChange, onDrag, onMoved) {
    this.onMoved = onMoved;
    this.controls = new THREE4.TransformControls(camera, surface);
    this.controls.size = 0.8;
    this.controls.addEventListener("change", onChange);
    this.controls.addEventListener("objectChange", () => this.apply());
    this.controls.addEventListener("dragging-changed", ({ value }) => {
      onDrag(value === true);
      if (value !== true && this.id !== null) {
        this.onMoved(this.id, true);
        this.sit();
      }
    });
  }
  onMoved;
  controls;
  pivot = new THREE4.Object3D();
  from = new THREE4.Matrix4();
  id = null;
  model = null;
  /** True when a handle is under the pointer or held. */
  get busy() {
    return this.controls.object !== void 0 && (this.controls.axis !== null || this.controls.dragging);
  }
  /** Shows the handles of a tool at an object; null takes them away. */
  hold(model, id, tool) {
    if (this.model !== model) {
      this.controls.detach();
      this.controls.getHelper().removeFromParent();
      this.pivot.removeFromParent();
      model?.scene.add(this.pivot, this.controls.getHelper());
      this.model = model;
    }
    this.id = id !== null && tool !== null && model?.pieces.has(id) ? id : null;
    if (this.id === null || tool === null) {
      this.controls.detach();
      return;
    }
    this.controls.setMode(MODES[tool]);
    this.sit();
    this.controls.attach(this.pivot);
  }
  /** Moves an object as one step of a tool: `by` along x, y, z, as keys do it. */
  step(model, id, tool, by) {
    const piece = model.pieces.get(id);
    if (!piece) return;
    this.model = model;
    this.id = id;
    this.sit();
    if (tool === "move") this.pivot.position.addScaledVector(by, 0.01 * model.size);
    else if (tool === "turn") this.pivot.rotateY(by.x * 5 * Math.PI / 180);
    else this.pivot.scale.setScalar(1.02 ** (by.x + by.y - by.z));
    this.apply();
    this.onMoved(id, true);
    this.sit();
  }
  dispose() {
    this.hold(null, null, null);
    this.controls.dispose();
  }
  get node() {
    return this.id === null ? void 0 : this.model?.pieces.get(this.id)?.node;
  }
  /** Puts the pivot into the object's middle and notes the object's pose as seen from there. */
  sit() {
    const { node } = this;
    if (!node) return;
    const middle = ownBounds(node).getCenter(new THREE4.Vector3()).applyMatrix4(node.matrixWorld);
    this.pivot.position.copy(middle);
    this.pivot.quaternion.identity();
    this.pivot.scale.setScalar(1);
    this.pivot.updateMatrixWorld(true);
    this.from.copy(this.pivot.matrixWorld).invert().multiply(node.matrixWorld);
  }
  /** Carries what happened to the pivot over to the object. */
  apply() {
    const { node } = this;
    if (!node || this.id === null) return;
    const { scale } = this.pivot;
    const changed = scale.toArray().reduce((a, b) => Math.abs(b - 1) > Math.abs(a - 1) ? b : a, 1);
    scale.setScalar(Math.max(Math.abs(changed), SMALLEST_FACTOR));
    this.pivot.updateMatrixWorld(true);
    new THREE4.Matrix4().multiplyMatrices(this.pivot.matrixWorld, this.from).decompose(node.position, node.quaternion, node.scale);
    node.scale.setScalar(node.scale.x);
    node.updateMatrixWorld(true);
    this.onMoved(this.id, false);
  }
};

// src/viewer/glb_poses.ts
var MAGIC = 1179937895;
var JSON_CHUNK = 1313821514;
function quaternionOf([x, y, z]) {
  const half = Math.PI / 360;
  const [cx, cy, cz] = [x, y, z].map((a) => Math.cos(a * half));
  const [sx, sy, sz] = [x, y, z].map((a) => Math.sin(a * half));
  return [
    sx * cy * cz + cx * sy * sz,
    cx * sy * cz - sx * cy * sz,
    cx * cy * sz + sx * sy * cz,
    cx * cy * cz - sx * sy * sz
  ];
}
function withPoses(glb, poses) {
  const view = new DataView(glb);
  if (glb.byteLength < 20 || view.getUint32(0, true) !== MAGIC || view.getUint32(16, true) !== JSON_CHUNK)
    throw new Error("this is no GLB file");
  const length = view.getUint32(12, true);
  const document2 = JSON.parse(new TextDecoder().decode(new Uint8Array(glb, 20, length)));
  for (const node of document2.nodes ?? []) {
    const pose = poses.get(node.name);
    if (!pose) continue;
    delete node.matrix;
    node.translation = pose.position;
    node.rotation = quaternionOf(pose.rotation_deg);
    node.scale = [pose.scale, pose.scale, pose.scale];
  }
  const text = new TextEncoder().encode(JSON.stringify(document2));
  const padded = Math.ceil(text.length / 4) * 4;
  const rest = new Uint8Array(glb, 20 + length);
  const made = new Uint8Array(20 + padded + rest.length).fill(32, 20, 20 + padded);
  const head = new DataView(made.buffer);
  head.setUint32(0, MAGIC, true);
  head.setUint32(4, 2, true);
  head.setUint32(8, made.length, true);
  head.setUint32(12, padded, true);
  head.setUint32(16, JSON_CHUNK, true);
  made.set(text, 20);
  made.set(rest, 20 + padded);
  return made;
}

// src/viewer/loading.ts
import * as THREE5 from "./three.mjs";

// src/shared/comfyui.ts
function fileURL(api, file) {
  const query = new URLSearchParams({
    filename: file.filename,
    subfolder: file.subfolder,
    type: file.type
  });
  return api.apiURL(`/view?${query}`);
}

// src/viewer/points.ts
var MAGIC2 = "CASTPTS1";
var HEAD_BYTES = 36;
function readPoints(bytes) {
  const view = new DataView(bytes);
  const magic = bytes.byteLength >= HEAD_BYTES ? new TextDecoder().decode(new Uint8Array(bytes, 0, 8)) : "";
  if (magic !== MAGIC2) throw new Error("this is no point cloud");
  const count = view.getUint32(8, true);
  if (bytes.byteLength !== HEAD_BYTES + 9 * count) throw new Error("the point cloud is not whole");
  const triple = (at) => [0, 4, 8].map((o) => view.getFloat32(at + o, true));
  return {
    count,
    corner: triple(12),
    step: triple(24),
    values: new Uint16Array(bytes, HEAD_BYTES, 3 * count),
    colours: new Uint8Array(bytes, HEAD_BYTES + 6 * count, 3 * count)
  };
}

// src/viewer/loading.ts
var Gone = class extends Error {
};
async function fetched(server, file, signal) {
  const response = await fetch(fileURL(server, file), { signal });
  if (response.status === 404) throw new Gone();
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response;
}
async function loadScene(server, files, signal) {
  const [about, glb, photo, masks] = await Promise.all([
    fetched(server, files.about, signal).then((r) => r.json()),
    fetchGlb(server, files, signal),
    fetched(server, files.photo, signal).then(async (r) => createImageBitmap(await r.blob())),
    fetched(server, files.masks, signal).then(async (r) => maskMap(await r.blob()))
  ]);
  const gltf = await new THREE5.GLTFLoader().parseAsync(glb, "");
  return { about, model: new SceneModel(gltf.scene, about), photo, masks };
}
async function fetchGlb(server, files, signal) {
  return (await fetched(server, files.glb, signal)).arrayBuffer();
}
async function loadPoints(server, files, model, signal) {
  const cloud = readPoints(await (await fetched(server, files.points, signal)).arrayBuffer());
  if (!model.hasPoints) model.addPoints(cloud);
}
async function maskMap(file) {
  const picture = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = picture;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  picture.close();
  const { data } = context.getImageData(0, 0, width, height);
  const ids = new Uint8Array(width * height);
  for (let i = 0; i < ids.length; i++) ids[i] = data[4 * i];
  return { width, height, ids };
}

// src/viewer/orbiting.ts
import * as THREE6 from "./three.mjs";
var Orbiting = class {
  camera = new THREE6.PerspectiveCamera();
  controls;
  constructor(surface, onChange) {
    this.controls = new THREE6.OrbitControls(this.camera, surface);
    this.controls.enableDamping = false;
    this.controls.enabled = false;
    this.controls.addEventListener("change", onChange);
  }
  set enabled(on) {
    this.controls.enabled = on;
  }
  /** Stands where the photo was taken and looks at the scene's middle depth. */
  begin(model) {
    const { about, size } = model;
    const pose = new THREE6.Matrix4().fromArray(cameraPose(about.world_from_camera));
    const ahead = new THREE6.Vector3(0, 0, -1).transformDirection(pose);
    this.camera.position.setFromMatrixPosition(pose);
    const distance = Math.max(model.middle.clone().sub(this.camera.position).dot(ahead), 0.3 * size);
    this.controls.target.copy(this.camera.position).addScaledVector(ahead, distance);
    this.controls.minDistance = 0.02 * size;
    this.controls.maxDistance = 30 * size;
    this.camera.fov = Math.min(Math.max(fieldOfView(about.intrinsics, about.height), 20), 80);
    this.camera.near = 5e-3 * size;
    this.camera.far = 100 * size;
    this.controls.update();
  }
  fit(width, height) {
    const aspect = width / height;
    if (this.camera.aspect === aspect) return;
    this.camera.aspect = aspect;
    this.camera.updateProjectionMatrix();
  }
  /** Turns by angles around the target, radians; `nearer` above 1 goes away. */
  turn(across, up, farther = 1) {
    const offset = this.camera.position.clone().sub(this.controls.target);
    const place = new THREE6.Spherical().setFromVector3(offset);
    place.theta += across;
    place.phi += up;
    place.radius *= farther;
    place.makeSafe();
    this.camera.position.copy(this.controls.target).add(offset.setFromSpherical(place));
    this.controls.update();
  }
  /** Looks at this point from where it is. */
  lookAt(point) {
    this.controls.target.copy(point);
    this.controls.update();
  }
  dispose() {
    this.controls.dispose();
  }
};

// src/viewer/icons.ts
var PATHS = {
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z",
  eyeOff: "M2 2l12 12M3.5 5.5C2.2 6.6 1.5 8 1.5 8S4 12.5 8 12.5c1 0 1.9-.3 2.7-.7M6.5 3.7C7 3.6 7.5 3.5 8 3.5c4 0 6.5 4.5 6.5 4.5s-.6 1.1-1.7 2.2",
  solo: "M8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
  lock: "M4 7.5h8v6H4ZM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  unlock: "M4 7.5h8v6H4ZM5.5 7.5V5a2.5 2.5 0 0 1 4.8-1",
  undo: "M5.5 3 2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H6",
  redo: "M10.5 3l3 3-3 3M13.5 6H6a3.5 3.5 0 0 0 0 7h4",
  picture: "M2 4.5h3L6 3h4l1 1.5h3v8H2ZM8 6a2.3 2.3 0 1 0 0 4.6A2.3 2.3 0 0 0 8 6Z",
  save: "M8 2v8M5 7l3 3 3-3M2.5 12v2h11v-2",
  text: "M6 3C4 3 5 7 3 8c2 1 1 5 3 5M10 3c2 0 1 4 3 5-2 1-1 5-3 5"
};
function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const attributes = { viewBox: "0 0 16 16", width: "14", height: "14", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

// src/viewer/state.ts
var COMPARES = ["off", "wipe", "blink", "difference", "outline"];
var LAYERS = ["floor", "room", "camera", "points"];
var TOOLS = ["move", "turn", "size"];
var BEGINNING = {
  view: "photo",
  compare: "off",
  wipe: 0.5,
  layers: { floor: true, room: true, camera: false, points: false },
  fit: false,
  tool: null,
  selected: null,
  hovered: null,
  hidden: /* @__PURE__ */ new Set(),
  solo: null
};
function shownObjects(state, ids) {
  if (state.solo !== null) return /* @__PURE__ */ new Set([state.solo]);
  if (!state.hidden.size) return null;
  return new Set([...ids].filter((id) => !state.hidden.has(id)));
}
function toggledEye(state, id) {
  if (state.solo !== null) {
    return state.solo === id ? { solo: null, hidden: withToggled(state.hidden, id) } : { solo: null };
  }
  return { hidden: withToggled(state.hidden, id) };
}
function withToggled(set, id) {
  const made = new Set(set);
  if (!made.delete(id)) made.add(id);
  return made;
}

// src/viewer/panel.ts
var Panel = class {
  constructor(texts, actions, editable) {
    this.texts = texts;
    this.actions = actions;
    this.editable = editable;
    const t = texts;
    const views = this.group(t.view, [
      this.choice("photo", t.photo, t.photoTip, () => actions.view("photo")),
      this.choice("orbit", t.orbit, t.orbitTip, () => actions.view("orbit"))
    ]);
    this.compareGroup = this.group(
      t.compare,
      COMPARES.map((c) => this.choice(c, t[c], t[`${c}Tip`], () => actions.compare(c)))
    );
    const layers = this.group(t.show, [
      ...LAYERS.map((l) => this.toggle(l, t[l], `${t.show}: ${t[l]}`, (on) => actions.layer(l, on))),
      this.toggle("fit", t.fit, t.fitTip, (on) => actions.fit(on))
    ]);
    const bar = element("div", { class: "bar", role: "toolbar", "aria-label": t.view }, views, this.compareGroup, layers);
    if (editable) {
      bar.append(
        this.group(t.edit, [
          ...TOOLS.map((tool) => this.toggle(tool, t[tool], t[`${tool}Tip`], (on) => actions.tool(on ? tool : null))),
          this.button("reset", t.reset, t.resetTip, actions.reset)
        ]),
        this.group(t.edit, [
          this.button("undo", icon("undo"), `${t.undo} (Ctrl+Z)`, actions.undo),
          this.button("redo", icon("redo"), `${t.redo} (Ctrl+Y)`, actions.redo),
          this.toggle("text", icon("text"), t.text, (on) => this.openDrawer(on))
        ])
      );
    }
    bar.append(
      this.group(t.picture, [
        this.button("picture", icon("picture"), t.picture, actions.picture),
        this.button("glb", icon("save"), t.glb, actions.glb)
      ])
    );
    this.list = element("div", { class: "list", role: "group", "aria-label": t.objects });
    const body = element("div", { class: "body" }, this.stage, this.list);
    this.root = element("div", { class: "viewer" }, bar, body);
    if (editable) {
      this.area = element("textarea", { "aria-label": t.text, spellcheck: "false" });
      this.area.addEventListener("change", () => actions.text(this.area.value));
      this.drawer = element("div", { class: "edits", hidden: true }, element("div", {}, t.textHint), this.area);
      this.root.append(this.drawer);
    }
    this.root.append(this.status);
  }
  texts;
  actions;
  editable;
  root;
  stage = element("div", { class: "stage" });
  list;
  status = element("div", { class: "status", role: "status" });
  buttons = /* @__PURE__ */ new Map();
  rows = /* @__PURE__ */ new Map();
  compareGroup;
  area = null;
  drawer = null;
  objects = [];
  /** Shows a state; the list is made anew when the objects are others. */
  show(state, shown) {
    if (shown.objects !== this.objects) this.fillList(shown);
    const pressed = { ...state.layers, fit: state.fit };
    for (const tool of TOOLS) pressed[tool] = state.tool === tool;
    for (const [name, on] of Object.entries(pressed)) this.press(name, on);
    for (const view of ["photo", "orbit"]) this.check(view, state.view === view);
    for (const compare of COMPARES) this.check(compare, state.compare === compare);
    this.compareGroup.hidden = state.view !== "photo";
    const selected = state.selected !== null && shown.placed.has(state.selected);
    for (const tool of TOOLS) this.enable(tool, selected);
    this.enable("reset", shown.canReset);
    this.enable("undo", shown.canUndo);
    this.enable("redo", shown.canRedo);
    for (const name of ["picture", "glb"]) this.enable(name, shown.objects.length > 0 || shown.placed.size > 0);
    for (const [id, row] of this.rows) {
      const seen = state.solo === null ? !state.hidden.has(id) : state.solo === id;
      row.row.classList.toggle("selected", state.selected === id);
      row.row.classList.toggle("changed", shown.changed.has(id));
      row.name.setAttribute("aria-pressed", String(state.selected === id));
      setPressed(row.eye, seen, seen ? "eye" : "eyeOff");
      setPressed(row.solo, state.solo === id);
      if (row.lock) setPressed(row.lock, shown.locked.has(id), shown.locked.has(id) ? "lock" : "unlock");
    }
    if (this.area && this.area !== rootActive(this.area)) this.area.value = shown.editsText;
    this.status.textContent = this.status.title = this.facts(state, shown);
  }
  /** Says that the text could be read, or not. */
  textIsGood(good) {
    this.area?.setAttribute("aria-invalid", String(!good));
    if (!good) this.status.textContent = this.texts.textBad;
  }
  openDrawer(on) {
    this.drawer.hidden = !on;
    this.press("text", on);
    if (on) this.area.focus();
  }
  /** The facts of the object under the pointer, else of the selected one, else of all. */
  facts(state, shown) {
    const t = this.texts;
    const object = shown.objects.find((o) => o.id === (state.hovered ?? state.selected));
    if (!object) {
      const ious = shown.objects.map(shownIou).filter((v) => v !== null).sort((a, b) => a - b);
      const median = ious.length ? `, ${t.median} ${percent(ious[Math.floor((ious.length - 1) / 2)])}` : "";
      return shown.objects.length ? `${shown.placed.size} ${shown.placed.size === 1 ? t.one : t.summary}${median}` : "";
    }
    const name = `${oneLine(object.label, 60)} ${object.id}`;
    if (!shown.placed.has(object.id)) return `${name}: ${t.notPlaced} – ${oneLine(object.failure)}`;
    const iou = shownIou(object);
    const parts = [iou === null ? t.unmeasured : `${t.iou} ${percent(iou)}`];
    const first = object.scene_iou === null || object.iou === null ? "" : percent(object.iou);
    if (first && first !== percent(iou)) parts.push(`${t.atRegister} ${first}`);
    if (shown.changed.has(object.id)) parts.push(t.changed);
    else parts.push(...this.doubts(object));
    return `${name}: ${parts.join(", ")}`;
  }
  /** Why an object may stand wrong although its outline fits. */
  doubts({ depth_off, ambiguous }) {
    const t = this.texts;
    const found = depth_off === null ? [] : [`${t.depthOff} ${percent(depth_off)} ${t.ofSize}`];
    return ambiguous ? [...found, t.ambiguous] : found;
  }
  fillList(shown) {
    this.objects = shown.objects;
    this.rows.clear();
    const t = this.texts;
    const rows = shown.objects.map((object) => {
      const { id } = object;
      const placed = shown.placed.has(id);
      const iou = shownIou(object);
      const text = `${oneLine(object.label)} ${id}`;
      const dot = element("span", { class: "dot" });
      dot.style.background = `rgb(${fitColour(iou).join(" ")})`;
      const doubts = placed ? this.doubts(object) : [];
      const name = element(
        "button",
        { class: "name", type: "button", title: [text, ...doubts].join("\n") },
        dot,
        element("span", { class: "label" }, element("span", {}, oneLine(object.label)), ` ${id}`),
        ...placed && object.depth_off !== null ? [element("span", { class: "doubt", role: "img", "aria-label": doubts[0] }, "!")] : [],
        element("span", { class: "share" }, iou === null ? "" : percent(iou))
      );
      const small = (kind, picture, tip, act) => {
        const made = element("button", { class: kind, type: "button", title: tip, "aria-label": `${text}: ${tip}` }, icon(picture));
        made.dataset["icon"] = picture;
        made.disabled = !placed;
        made.addEventListener("click", act);
        return made;
      };
      const row = {
        row: element("div", { class: placed ? "row" : "row absent" }),
        name,
        eye: small("eye", "eye", t.hide, () => this.actions.eye(id)),
        solo: small("solo", "solo", t.solo, () => this.actions.solo(id)),
        lock: this.editable ? small("lock", "unlock", t.lock, () => this.actions.lock(id)) : null
      };
      row.row.append(row.eye, row.solo, ...row.lock ? [row.lock] : [], name);
      name.addEventListener("click", () => this.actions.select(id));
      row.row.addEventListener("pointerenter", () => this.actions.hover(id));
      row.row.addEventListener("pointerleave", () => this.actions.hover(null));
      row.row.addEventListener("focusin", () => this.actions.hover(id));
      row.row.addEventListener("focusout", () => this.actions.hover(null));
      row.row.addEventListener("keydown", (event) => this.rowKey(event, id, placed));
      this.rows.set(id, row);
      return row.row;
    });
    this.list.replaceChildren(...rows);
    this.roving();
  }
  /** One row can be reached with Tab, the others with the arrow keys. */
  roving(to) {
    const first = to ?? this.rows.keys().next().value;
    for (const [id, row] of this.rows)
      for (const button of [row.name, row.eye, row.solo, row.lock]) if (button) button.tabIndex = id === first ? 0 : -1;
  }
  rowKey(event, id, placed) {
    const ids = [...this.rows.keys()];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !event.shiftKey && !event.ctrlKey) {
      const next = ids[Math.min(Math.max(ids.indexOf(id) + step, 0), ids.length - 1)];
      this.roving(next);
      this.rows.get(next).name.focus();
    } else if (placed && event.key === "v") this.actions.eye(id);
    else if (placed && event.key === "s") this.actions.solo(id);
    else if (placed && event.key === "l" && this.editable) this.actions.lock(id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  group(label, buttons) {
    return element("div", { class: "group", role: "group", "aria-label": label }, ...buttons);
  }
  button(name, face, tip, act) {
    const made = element("button", { type: "button", title: tip, "data-name": name }, face);
    if (typeof face !== "string") made.setAttribute("aria-label", tip);
    made.addEventListener("click", act);
    this.buttons.set(name, made);
    return made;
  }
  toggle(name, face, tip, act) {
    const made = this.button(name, face, tip, () => act(made.getAttribute("aria-pressed") !== "true"));
    made.setAttribute("aria-pressed", "false");
    return made;
  }
  choice(name, face, tip, act) {
    const made = this.button(name, face, tip, act);
    made.setAttribute("role", "radio");
    made.setAttribute("aria-checked", "false");
    return made;
  }
  press(name, on) {
    this.buttons.get(name)?.setAttribute("aria-pressed", String(on));
  }
  check(name, on) {
    this.buttons.get(name)?.setAttribute("aria-checked", String(on));
  }
  enable(name, on) {
    const button = this.buttons.get(name);
    if (button) button.disabled = !on;
  }
};
function setPressed(button, on, picture) {
  button.setAttribute("aria-pressed", String(on));
  if (!picture || button.dataset["icon"] === picture) return;
  button.dataset["icon"] = picture;
  button.replaceChildren(icon(picture));
}
function rootActive(node) {
  return node.getRootNode().activeElement;
}
function percent(share) {
  return `${Math.round(100 * share)} %`;
}

// src/viewer/style.css
var style_default = ':host {\n  display: block;\n  width: 100%;\n  height: 100%;\n  min-height: 0;\n  color: var(--input-text, #ddd);\n  font: 12px/1.35 system-ui, sans-serif;\n  --line: var(--border-color, #4e4e4e);\n  --ground: var(--comfy-input-bg, #222);\n  --panel: var(--comfy-menu-bg, #353535);\n  --accent: #3b8eea;\n}\n* {\n  box-sizing: border-box;\n}\n[hidden] {\n  display: none !important;\n}\n.viewer {\n  display: flex;\n  flex-direction: column;\n  height: 100%;\n  min-height: 0;\n  background: var(--panel);\n  border: 1px solid var(--line);\n  border-radius: 6px;\n  overflow: hidden;\n  container-type: inline-size;\n}\n.bar {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 4px 8px;\n  padding: 4px;\n  border-bottom: 1px solid var(--line);\n}\n.group {\n  display: flex;\n  gap: 1px;\n}\nbutton {\n  display: inline-flex;\n  align-items: center;\n  justify-content: center;\n  min-height: 22px;\n  padding: 1px 7px;\n  border: 1px solid var(--line);\n  border-radius: 4px;\n  background: var(--ground);\n  color: inherit;\n  font: inherit;\n  cursor: pointer;\n}\n.group > button:not(:first-child) {\n  border-start-start-radius: 0;\n  border-end-start-radius: 0;\n}\n.group > button:not(:last-child) {\n  border-start-end-radius: 0;\n  border-end-end-radius: 0;\n}\nbutton:hover:not(:disabled) {\n  border-color: var(--accent);\n}\nbutton:disabled {\n  opacity: 0.45;\n  cursor: default;\n}\nbutton[aria-pressed="true"],\nbutton[aria-checked="true"] {\n  background: var(--accent);\n  border-color: var(--accent);\n  color: #fff;\n}\n:focus-visible {\n  outline: 2px solid var(--accent);\n  outline-offset: -1px;\n}\nsvg {\n  fill: none;\n  stroke: currentColor;\n  stroke-width: 1.3;\n  stroke-linejoin: round;\n  stroke-linecap: round;\n}\n.body {\n  display: flex;\n  flex: 1;\n  min-height: 0;\n}\n.stage {\n  position: relative;\n  flex: 1;\n  min-width: 0;\n  min-height: 0;\n  overflow: hidden;\n  background: #26282c;\n}\ncanvas {\n  position: absolute;\n  inset: 0;\n  width: 100%;\n  height: 100%;\n  touch-action: none;\n}\n.message {\n  position: absolute;\n  inset: 0;\n  display: grid;\n  place-items: center;\n  padding: 16px;\n  text-align: center;\n  color: #c9c9cf;\n  pointer-events: none;\n  overflow-wrap: anywhere;\n}\n.divider {\n  position: absolute;\n  top: 0;\n  bottom: 0;\n  width: 15px;\n  margin-left: -7px;\n  cursor: ew-resize;\n  touch-action: none;\n}\n.divider::before {\n  content: "";\n  position: absolute;\n  inset: 0 7px;\n  background: #fff;\n  box-shadow: 0 0 3px #000;\n}\n.divider::after {\n  content: "‹ ›";\n  position: absolute;\n  top: 50%;\n  left: -4px;\n  width: 23px;\n  padding: 3px 0;\n  border-radius: 10px;\n  background: #fff;\n  color: #222;\n  text-align: center;\n  font-weight: 700;\n  line-height: 1;\n}\n.tag {\n  position: absolute;\n  top: 6px;\n  padding: 1px 6px;\n  border-radius: 4px;\n  background: #000a;\n  color: #fff;\n  pointer-events: none;\n}\n.tag.left {\n  left: 6px;\n}\n.tag.right {\n  right: 6px;\n}\n.tag.blue {\n  color: #56c8ff;\n}\n.tag.orange {\n  color: #ffa24d;\n}\n.list {\n  display: flex;\n  flex-direction: column;\n  flex: 0 0 196px;\n  min-width: 0;\n  overflow: auto;\n  border-inline-start: 1px solid var(--line);\n}\n@container (max-width: 430px) {\n  .body {\n    flex-direction: column;\n  }\n  .list {\n    flex: 0 0 30%;\n    border-inline-start: 0;\n    border-top: 1px solid var(--line);\n  }\n}\n.row {\n  display: flex;\n  align-items: center;\n  min-height: 24px;\n}\n.row.selected {\n  background: color-mix(in srgb, var(--accent) 35%, transparent);\n}\n.row button {\n  flex: none;\n  width: 21px;\n  min-height: 22px;\n  padding: 0;\n  border-color: transparent;\n  background: none;\n}\n.row button.name {\n  flex: 1;\n  justify-content: flex-start;\n  gap: 5px;\n  min-width: 0;\n  padding: 0 4px;\n  width: auto;\n}\n.row button[aria-pressed="true"] {\n  color: var(--accent);\n  background: none;\n  border-color: transparent;\n}\n.row button.name[aria-pressed="true"] {\n  color: inherit;\n  font-weight: 600;\n}\n.row .eye[aria-pressed="false"] {\n  opacity: 0.45;\n}\n.row .lock[aria-pressed="false"] {\n  opacity: 0.45;\n}\n.label {\n  display: flex;\n  min-width: 0;\n  white-space: pre;\n}\n.label span {\n  overflow: hidden;\n  text-overflow: ellipsis;\n}\n.row.absent .label {\n  text-decoration: line-through;\n  opacity: 0.6;\n}\n.row.changed .label::after {\n  content: " *";\n  color: #ffa24d;\n  font-weight: 700;\n}\n.dot {\n  flex: none;\n  width: 9px;\n  height: 9px;\n  border-radius: 50%;\n}\n.doubt {\n  flex: none;\n  color: #e08a1e;\n  font-weight: 700;\n}\n.share {\n  flex: none;\n  white-space: nowrap;\n  margin-inline-start: auto;\n  opacity: 0.75;\n  font-variant-numeric: tabular-nums;\n}\n.edits {\n  display: flex;\n  flex-direction: column;\n  gap: 2px;\n  padding: 4px;\n  border-top: 1px solid var(--line);\n}\ntextarea {\n  width: 100%;\n  height: 72px;\n  resize: vertical;\n  border: 1px solid var(--line);\n  border-radius: 4px;\n  background: var(--ground);\n  color: inherit;\n  font: 11px/1.4 ui-monospace, monospace;\n}\ntextarea[aria-invalid="true"] {\n  border-color: #e05252;\n}\n.status {\n  flex: none;\n  min-height: 21px;\n  padding: 2px 6px;\n  border-top: 1px solid var(--line);\n  overflow: hidden;\n  white-space: nowrap;\n  text-overflow: ellipsis;\n}\n';

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

// src/viewer/viewer.ts
var BLINK_MS = 700;
var STILL_MS = 180;
var CLICK_PX = 4;
var NUMBERS_SIDE_PX = 900;
var MOST_PX = 2400;
var FINE_MS = 150;
var ZOOM_LOOK_MS = 400;
var SceneViewer = class {
  constructor(host, ports) {
    this.ports = ports;
    this.texts = textsOf(ports.language);
    this.history = new History(ports.edits?.read() ?? "");
    this.panel = new Panel(this.texts, this.actions(), ports.edits !== null);
    this.divider = element("div", {
      class: "divider",
      role: "slider",
      tabindex: "0",
      "aria-label": this.texts.divider,
      "aria-valuemin": "0",
      "aria-valuemax": "100"
    });
    this.canvas.setAttribute("aria-label", this.texts.view);
    for (const mark of [this.divider, ...this.tags]) mark.hidden = true;
    this.panel.stage.append(this.canvas, ...this.tags, this.divider, this.message);
    host.style.cssText = "width: 100%; height: 100%; min-height: 390px;";
    const root = shadowWith(host, style_default);
    root.append(this.panel.root);
    this.orbiting = new Orbiting(this.canvas, () => this.invalidate());
    this.gizmo = new Gizmo(
      this.photoCamera,
      this.canvas,
      () => this.invalidate(),
      (dragging) => this.orbiting.enabled = !dragging && this.state.view === "orbit",
      (id, done) => this.poseChanged(id, done)
    );
    this.listen(host);
    this.watch = new ResizeObserver(this.redraw);
    this.watch.observe(this.panel.stage);
    this.sight = new IntersectionObserver((entries) => {
      this.seen = entries.at(-1).isIntersecting;
      if (this.seen) this.invalidate();
    });
    this.sight.observe(this.panel.stage);
    this.zoomWatch = setInterval(() => this.sharpen(), ZOOM_LOOK_MS);
    sharedRenderer.enter(this.redraw);
    this.say(this.texts.empty);
    this.update({});
  }
  ports;
  texts;
  panel;
  canvas = element("canvas", { tabindex: "0" });
  pen = this.canvas.getContext("2d");
  message = element("div", { class: "message" });
  divider;
  tags = [element("div", { class: "tag left" }), element("div", { class: "tag right" })];
  photoCamera = new THREE7.PerspectiveCamera();
  orbiting;
  gizmo;
  watch;
  sight;
  history;
  leaving = new AbortController();
  redraw = () => this.invalidate();
  loading = new AbortController();
  state = BEGINNING;
  files = null;
  loaded = null;
  zoom = WHOLE_PHOTO;
  seen = true;
  waiting = 0;
  finer;
  blinking;
  zoomWatch;
  photoNow = false;
  lastDrawMs = 0;
  /** The canvas's width on the screen when it was last drawn. */
  drawnPx = 0;
  version = 0;
  numbers = null;
  outlines = null;
  press = null;
  /** Shows a scene; what was shown before stays until the new one is there. */
  async show(files) {
    if (!isSceneFiles(files)) return;
    this.loading.abort();
    const loading = this.loading = new AbortController();
    if (!this.loaded) this.say(this.texts.loading);
    try {
      const loaded = await loadScene(this.ports.api, files, loading.signal);
      if (loading.signal.aborted) return free(loaded);
      const first = this.loaded === null;
      this.take(loaded, files);
      if (first) this.orbiting.begin(loaded.model);
      this.say("");
      if (this.state.layers.points) void this.fetchPoints();
    } catch (error) {
      if (loading.signal.aborted) return;
      const t = this.texts;
      this.say(error instanceof Gone ? t.gone : `${t.failed}: ${error instanceof Error ? error.message : error}`);
    }
  }
  /** The node's text of edits was changed by others. */
  editsChanged() {
    this.history.push(this.ports.edits?.read() ?? "");
    this.placeAll();
    this.update({});
  }
  /** Frees everything. */
  dispose() {
    this.loading.abort();
    this.leaving.abort();
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.finer);
    clearInterval(this.blinking);
    clearInterval(this.zoomWatch);
    this.watch.disconnect();
    this.sight.disconnect();
    this.gizmo.dispose();
    this.orbiting.dispose();
    if (this.loaded) free(this.loaded);
    this.outlines?.picture.close();
    this.loaded = this.outlines = this.numbers = null;
    this.canvas.width = this.canvas.height = 0;
    sharedRenderer.leave(this.redraw);
  }
  take(loaded, files) {
    const before = this.loaded;
    this.gizmo.hold(null, null, null);
    this.loaded = loaded;
    this.files = files;
    if (before) free(before);
    const ids = new Set(loaded.model.pieces.keys());
    const { selected, solo, hidden } = this.state;
    this.placeAll();
    this.update({
      selected: selected !== null && ids.has(selected) ? selected : null,
      solo: solo !== null && ids.has(solo) ? solo : null,
      hidden: new Set([...hidden].filter((id) => ids.has(id))),
      hovered: null
    });
  }
  actions() {
    return {
      view: (view) => this.update({ view }),
      compare: (compare) => this.update({ compare }),
      layer: (layer, on) => {
        this.update({ layers: { ...this.state.layers, [layer]: on } });
        if (layer === "points" && on) void this.fetchPoints();
      },
      fit: (fit) => this.update({ fit }),
      tool: (tool) => this.update({ tool }),
      undo: () => this.writeEdits(this.history.undo()),
      redo: () => this.writeEdits(this.history.redo()),
      reset: () => {
        if (this.state.selected !== null) this.changeEdits((edits) => withoutPose(edits, this.state.selected));
      },
      picture: () => this.savePicture(),
      glb: () => void this.saveGlb(),
      select: (id) => this.update({ selected: id === this.state.selected ? null : id }),
      hover: (id) => this.update({ hovered: id }),
      eye: (id) => this.update(toggledEye(this.state, id)),
      solo: (id) => this.update({ solo: this.state.solo === id ? null : id }),
      lock: (id) => this.toggleLock(id),
      text: (text) => {
        const good = parseEdits(text) !== null;
        if (good) {
          this.history.push(text);
          this.writeEdits(text);
        }
        this.panel.textIsGood(good);
      }
    };
  }
  // Edits.
  get edits() {
    return parseEdits(this.ports.edits?.read() ?? "") ?? {};
  }
  changeEdits(change) {
    const before = parseEdits(this.ports.edits?.read() ?? "");
    if (!this.ports.edits || before === null) return this.panel.textIsGood(false);
    const text = editsText(change(before));
    this.history.push(text);
    this.writeEdits(text);
  }
  /** Locks an object where it is seen, or gives it free. */
  toggleLock(id) {
    const piece = this.loaded?.model.pieces.get(id);
    if (!piece) return;
    const made = parseEdits(this.loaded.about.edits) ?? {};
    const wasPlaced = editsText(withPose({}, id, piece.given));
    this.changeEdits((edits) => {
      if (!isLocked(edits, id)) {
        const pose = this.loaded.model.pose(id);
        return withLock(poseOf(edits[id]) ? edits : withPose(edits, id, pose), id, true);
      }
      const entry = edits[id] ?? {};
      const onlyLocked = !made[id] && editsText({ [id]: poseOf(entry) ?? {} }) === wasPlaced;
      return onlyLocked ? withoutPose(edits, id) : withLock(edits, id, false);
    });
  }
  writeEdits(text) {
    this.ports.edits?.write(text);
    this.panel.textIsGood(true);
    this.placeAll();
    this.update({});
  }
  /** An object was moved by hand; it is written down when the hand lets go. */
  poseChanged(id, done) {
    this.loaded?.model.select(this.state.selected);
    if (done) {
      const pose = this.loaded?.model.pose(id);
      if (pose) this.changeEdits((edits) => withPose(edits, id, pose));
    }
    this.invalidate();
  }
  /** Every object where the edits have it, else where the server has placed it. */
  placeAll() {
    const model = this.loaded?.model;
    if (!model) return;
    const { edits } = this;
    for (const id of model.pieces.keys()) model.place(id, this.ports.edits ? poseOf(edits[id]) : null);
  }
  /** Objects whose entry in the text is not the one that the scene was made with. */
  get changed() {
    if (!this.loaded || !this.ports.edits) return /* @__PURE__ */ new Set();
    const made = parseEdits(this.loaded.about.edits) ?? {};
    const { edits } = this;
    const ids = /* @__PURE__ */ new Set([...Object.keys(made), ...Object.keys(edits)]);
    return new Set([...ids].filter((id) => sorted(made[id]) !== sorted(edits[id])).map(Number));
  }
  // What is shown.
  update(changes) {
    const before = this.state;
    this.state = { ...before, ...changes };
    const { state } = this;
    const model = this.loaded?.model;
    const only = Object.keys(changes);
    if (model && !(only.length === 1 && only[0] === "hovered")) {
      model.showObjects(shownObjects(state, model.pieces.keys()));
      for (const [layer, on] of Object.entries(state.layers)) model.show(layer, on);
      model.colourByFit(state.fit);
      model.select(state.selected);
      this.gizmo.controls.camera = state.view === "photo" ? this.photoCamera : this.orbiting.camera;
      this.gizmo.hold(model, state.selected, state.tool);
      this.invalidate();
    }
    this.orbiting.enabled = state.view === "orbit" && model !== void 0;
    this.blink(state.view === "photo" && state.compare === "blink" && model !== void 0);
    this.panel.show(state, this.shown());
  }
  shown() {
    const { edits, changed } = this;
    const model = this.loaded?.model;
    const objects = this.loaded?.about.objects ?? NO_OBJECTS;
    const { selected } = this.state;
    return {
      objects,
      placed: new Set(model?.pieces.keys()),
      locked: new Set(objects.filter((o) => isLocked(edits, o.id)).map((o) => o.id)),
      changed,
      canUndo: this.history.canUndo,
      canRedo: this.history.canRedo,
      canReset: selected !== null && poseOf(edits[selected]) !== null,
      editsText: this.ports.edits?.read() ?? ""
    };
  }
  say(message) {
    this.message.textContent = message;
    this.message.hidden = message === "";
  }
  blink(on) {
    if (on === (this.blinking !== void 0)) return;
    clearInterval(this.blinking);
    this.blinking = void 0;
    this.photoNow = false;
    if (!on) return;
    this.blinking = setInterval(() => {
      if (!this.seen) return;
      this.photoNow = !this.photoNow;
      this.schedule();
    }, BLINK_MS);
  }
  async fetchPoints() {
    const { loaded, files } = this;
    if (!loaded || !files || loaded.model.hasPoints) return;
    try {
      await loadPoints(this.ports.api, files, loaded.model, this.loading.signal);
    } catch {
      if (!this.leaving.signal.aborted) this.update({ layers: { ...this.state.layers, points: false } });
    }
    this.invalidate();
  }
  // Drawing.
  /** The picture has changed and is drawn soon. */
  invalidate() {
    this.version++;
    this.schedule();
  }
  schedule() {
    this.panel.stage.dataset["picture"] = "waits";
    if (this.waiting || this.leaving.signal.aborted) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw("moving");
    });
  }
  draw(how) {
    const { loaded } = this;
    const { clientWidth: width, clientHeight: height } = this.panel.stage;
    if (!loaded || !this.seen || width < 2 || height < 2) return;
    clearTimeout(this.finer);
    const started = performance.now();
    this.drawnPx = this.canvas.getBoundingClientRect().width;
    const onScreen = this.drawnPx / width * devicePixelRatio || 1;
    const most = MOST_PX / Math.max(width, height);
    const coarse = Math.min(onScreen, 1, most);
    const finest = Math.max(Math.min(2 * onScreen, most), coarse);
    const fine = Math.min(finest, coarse * Math.sqrt(FINE_MS / Math.max(this.lastDrawMs, 1)));
    const ratio = { moving: coarse, still: Math.max(fine, coarse), saved: finest }[how];
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    try {
      sharedRenderer.draw(loaded.model.scene, this.aim(width, height), this.pen);
    } catch (error) {
      return this.say(`${this.texts.noWebGL} ${error instanceof Error ? error.message : error}`);
    }
    if (this.state.view === "photo") this.drawPhoto(loaded, width, height);
    this.showMarks(width, height);
    if (how === "moving") this.lastDrawMs = performance.now() - started;
    const finer = how === "moving" && fine > 1.2 * coarse;
    if (finer) this.finer = setTimeout(() => this.draw("still"), STILL_MS);
    this.panel.stage.dataset["picture"] = finer ? "waits" : "done";
  }
  frame(width, height) {
    const { about } = this.loaded;
    return photoFrame(width, height, about.width / about.height, this.zoom);
  }
  /** The camera that looks now, its picture fitted to an area. */
  aim(width, height) {
    if (this.state.view === "orbit") {
      this.orbiting.fit(width, height);
      return this.orbiting.camera;
    }
    const { about, model } = this.loaded;
    const camera = this.photoCamera;
    new THREE7.Matrix4().fromArray(cameraPose(about.world_from_camera)).decompose(camera.position, camera.quaternion, camera.scale);
    camera.updateMatrixWorld(true);
    const frame = this.frame(width, height);
    camera.near = 5e-3 * model.size;
    camera.far = 100 * model.size;
    const shown = { width, height };
    camera.projectionMatrix.fromArray(projection(about.intrinsics, about, frame, shown, camera.near, camera.far));
    camera.projectionMatrixInverse.copy(camera.projectionMatrix).invert();
    camera.fov = fieldOfView(about.intrinsics, about.height * height / frame.height);
    return camera;
  }
  drawPhoto(loaded, width, height) {
    const frame = this.frame(width, height);
    const scale = this.canvas.width / width;
    const scaled = { x: frame.x * scale, y: frame.y * scale, width: frame.width * scale, height: frame.height * scale };
    const { compare, wipe } = this.state;
    drawComparison(this.pen, { compare, wipe, photoNow: this.photoNow, photo: loaded.photo, frame: scaled });
    if (compare === "outline") this.drawOutlines(width, height);
    drawFrame(this.pen, scaled);
  }
  drawOutlines(width, height) {
    const { picture, version } = this.outlines ?? {};
    if (picture && version === this.version) {
      this.pen.imageSmoothingEnabled = true;
      this.pen.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
    } else void this.makeOutlines(width, height);
  }
  async makeOutlines(width, height) {
    const { version, loaded } = this;
    const scene = this.numberMap();
    if (!loaded || !scene) return;
    const share = scene.width / width;
    const { x, y, width: w, height: h } = this.frame(width, height);
    const frame = { x: x * share, y: y * share, width: w * share, height: h * share };
    const picture = await createImageBitmap(outlinePicture(scene, loaded.masks, frame));
    if (version !== this.version || this.leaving.signal.aborted) return picture.close();
    this.outlines?.picture.close();
    this.outlines = { version, picture };
    this.schedule();
  }
  /** Which object each pixel of the area shows, made when it is asked for. */
  numberMap() {
    const { clientWidth, clientHeight } = this.panel.stage;
    if (!this.loaded || clientWidth < 2 || clientHeight < 2) return null;
    if (this.numbers?.version === this.version) return this.numbers.map;
    const share = Math.min(1, NUMBERS_SIDE_PX / Math.max(clientWidth, clientHeight));
    const [width, height] = [Math.round(clientWidth * share), Math.round(clientHeight * share)];
    const target = new THREE7.WebGLRenderTarget(width, height, { depthBuffer: true, generateMipmaps: false });
    const camera = this.aim(clientWidth, clientHeight);
    const helper = this.gizmo.controls.getHelper();
    const helped = helper.visible;
    helper.visible = false;
    const ids = this.loaded.model.readNumbers((scene) => sharedRenderer.read(scene, camera, target));
    helper.visible = helped;
    target.dispose();
    this.numbers = { version: this.version, map: { width, height, ids } };
    return this.numbers.map;
  }
  /** The object at a point of the page, if one is there. */
  objectAt(event) {
    const map = this.numberMap();
    if (!map || !this.loaded) return null;
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor((event.clientX - box.left) / box.width * map.width);
    const y = Math.floor((event.clientY - box.top) / box.height * map.height);
    if (x < 0 || y < 0 || x >= map.width || y >= map.height) return null;
    const number = map.ids[y * map.width + x];
    return number ? this.loaded.about.objects[number - 1]?.id ?? null : null;
  }
  /** The line of the wipe and the names of the two sides. */
  showMarks(width, height) {
    const { view, compare, wipe } = this.state;
    const on = view === "photo" && this.loaded !== null;
    const frame = this.loaded ? this.frame(width, height) : { x: 0, width: 0 };
    this.divider.hidden = !(on && compare === "wipe");
    this.divider.style.left = `${Math.min(Math.max(frame.x + wipe * frame.width, 0), width)}px`;
    this.divider.setAttribute("aria-valuenow", String(Math.round(100 * wipe)));
    const t = this.texts;
    const words = {
      wipe: [t.thePhoto, t.off],
      blink: [this.photoNow ? t.thePhoto : t.off, ""],
      outline: [t.thePhoto, t.off]
    };
    const [left, right] = on && words[compare] || ["", ""];
    this.tags.forEach((tag, i) => {
      tag.textContent = i ? right : left;
      tag.hidden = !tag.textContent;
      tag.classList.toggle("blue", compare === "outline" && i === 0);
      tag.classList.toggle("orange", compare === "outline" && i === 1);
    });
  }
  // Hands and keys.
  listen(host) {
    const { signal } = this.leaving;
    const { canvas, divider } = this;
    host.dataset["captureWheel"] = "true";
    for (const name of ["pointerdown", "mousedown", "dblclick", "contextmenu", "wheel"])
      host.addEventListener(name, (event) => event.stopPropagation(), { signal });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    host.addEventListener("keydown", (event) => this.key(event), { signal });
    canvas.addEventListener("pointerdown", (event) => this.pressed(event), { signal });
    canvas.addEventListener("pointermove", (event) => this.pointed(event), { signal });
    canvas.addEventListener("pointerup", (event) => this.released(event), { signal });
    canvas.addEventListener("pointerleave", () => this.left(), { signal });
    canvas.addEventListener("pointerenter", () => this.entered(), { signal });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { signal, passive: false });
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId), { signal });
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId)) this.wipeTo(event.clientX);
    }, { signal });
    divider.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
      if (!step || event.shiftKey) return;
      this.update({ wipe: Math.min(Math.max(this.state.wipe + step, 0), 1) });
      event.preventDefault();
      event.stopPropagation();
    }, { signal });
  }
  wipeTo(clientX) {
    const { clientWidth: width, clientHeight: height } = this.panel.stage;
    const box = this.canvas.getBoundingClientRect();
    const frame = this.frame(width, height);
    const x = (clientX - box.left) / box.width * width;
    this.update({ wipe: Math.min(Math.max((x - frame.x) / frame.width, 0), 1) });
  }
  pressed(event) {
    this.canvas.focus({ preventScroll: true });
    this.softFocus = false;
    this.press = { x: event.clientX, y: event.clientY, moved: this.gizmo.busy };
    if (this.state.view === "photo") this.canvas.setPointerCapture(event.pointerId);
  }
  pointed(event) {
    const { press } = this;
    if (!press) {
      if (event.buttons === 0) this.hoverSoon(event);
      return;
    }
    const by = { x: event.clientX - press.x, y: event.clientY - press.y };
    if (Math.hypot(by.x, by.y) > CLICK_PX) press.moved = true;
    if (!press.moved || this.state.view !== "photo" || this.gizmo.busy || !this.loaded) return;
    const { clientWidth: width, clientHeight: height } = this.panel.stage;
    const share = width / this.canvas.getBoundingClientRect().width;
    this.zoom = pushed(this.zoom, { x: by.x * share, y: by.y * share }, { width, height }, this.aspect);
    [press.x, press.y] = [event.clientX, event.clientY];
    this.invalidate();
  }
  released(event) {
    const { press } = this;
    this.press = null;
    if (press && !press.moved && event.button === 0 && !this.gizmo.busy) this.update({ selected: this.objectAt(event) });
  }
  get aspect() {
    const { about } = this.loaded;
    return about.width / about.height;
  }
  wheel(event) {
    if (this.state.view !== "photo" || !this.loaded) return;
    event.preventDefault();
    const { clientWidth: width, clientHeight: height } = this.panel.stage;
    const box = this.canvas.getBoundingClientRect();
    const point = {
      x: (event.clientX - box.left) / box.width * width,
      y: (event.clientY - box.top) / box.height * height
    };
    this.zoom = zoomedAt(this.zoom, 1.0015 ** -event.deltaY, point, { width, height }, this.aspect);
    this.invalidate();
  }
  resting;
  /** Looks up what is under a pointer that rests. */
  hoverSoon(event) {
    const at = { clientX: event.clientX, clientY: event.clientY };
    clearTimeout(this.resting);
    const look = () => {
      if (!this.leaving.signal.aborted && !this.press && !this.gizmo.busy) this.hover(this.objectAt(at));
    };
    if (this.numbers?.version === this.version) look();
    else this.resting = setTimeout(look, 80);
  }
  hover(id) {
    if (id === null) clearTimeout(this.resting);
    if (id !== this.state.hovered) this.update({ hovered: id });
  }
  softFocus = false;
  /** Keys and wheel go to the picture under the pointer, unless somebody is writing. */
  entered() {
    const now = document.activeElement;
    const writing = now instanceof HTMLInputElement || now instanceof HTMLTextAreaElement;
    if (writing || this.canvas.getRootNode() === now?.shadowRoot) return;
    this.canvas.focus({ preventScroll: true });
    this.softFocus = true;
  }
  left() {
    this.hover(null);
    if (this.softFocus && !this.press) this.canvas.blur();
    this.softFocus = false;
  }
  /** Draws anew when the graph was zoomed since. */
  sharpen() {
    if (!this.loaded || !this.seen || this.waiting || this.press) return;
    const { width } = this.canvas.getBoundingClientRect();
    if (width && this.drawnPx && Math.abs(Math.log(width / this.drawnPx)) > 0.1) this.schedule();
  }
  key(event) {
    const target = event.composedPath()[0];
    if (target instanceof HTMLTextAreaElement) return event.stopPropagation();
    if (!this.keyDone(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }
  keyDone(event) {
    const { key } = event;
    const control = event.ctrlKey || event.metaKey;
    if (control) {
      if (!this.ports.edits || event.altKey) return false;
      const low = key.toLowerCase();
      if (low === "z") this.writeEdits(event.shiftKey ? this.history.redo() : this.history.undo());
      else if (low === "y") this.writeEdits(this.history.redo());
      else return false;
      return true;
    }
    if (!this.loaded || event.altKey) return false;
    if (event.shiftKey) return this.keyStep(key);
    const tool = { w: "move", e: "turn", r: "size" }[key];
    if (tool && this.ports.edits) this.update({ tool: this.state.tool === tool ? null : tool });
    else if (key === "1" || key === "2") this.update({ view: key === "1" ? "photo" : "orbit" });
    else if (key === "Escape" && this.state.selected !== null) this.update({ selected: null, tool: null });
    else return this.keyView(key);
    return true;
  }
  /** Arrow keys and + - on the picture. */
  keyView(key) {
    const { activeElement } = this.canvas.getRootNode();
    if (activeElement !== this.canvas) return false;
    const arrows = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1]
    };
    const nearer = { "+": 1.15, "=": 1.15, "-": 1 / 1.15 }[key];
    const arrow = arrows[key];
    if (!arrow && !nearer) return false;
    if (this.state.view === "orbit") this.orbiting.turn(0.1 * (arrow?.[0] ?? 0), 0.1 * (arrow?.[1] ?? 0), 1 / (nearer ?? 1));
    else {
      const { clientWidth: width, clientHeight: height } = this.panel.stage;
      const area = { width, height };
      this.zoom = arrow ? pushed(this.zoom, { x: -40 * arrow[0], y: -40 * arrow[1] }, area, this.aspect) : zoomedAt(this.zoom, nearer, { x: width / 2, y: height / 2 }, area, this.aspect);
    }
    this.invalidate();
    return true;
  }
  /** Shift and arrow keys change the selected object by one step of the tool. */
  keyStep(key) {
    const steps = {
      ArrowLeft: [-1, 0, 0],
      ArrowRight: [1, 0, 0],
      ArrowUp: [0, 0, -1],
      ArrowDown: [0, 0, 1],
      PageUp: [0, 1, 0],
      PageDown: [0, -1, 0]
    };
    const step = steps[key];
    const { selected, tool } = this.state;
    if (!step || selected === null || !this.ports.edits || !this.loaded) return false;
    const by = new THREE7.Vector3(...step);
    if ((tool ?? "move") === "move") by.applyAxisAngle(new THREE7.Vector3(0, 1, 0), this.heading());
    this.gizmo.step(this.loaded.model, selected, tool ?? "move", by);
    return true;
  }
  /** The quarter turn that brings world axes nearest to what is right and away on the screen. */
  heading() {
    const camera = this.state.view === "photo" ? this.photoCamera : this.orbiting.camera;
    const ahead = camera.getWorldDirection(new THREE7.Vector3());
    return Math.round(Math.atan2(-ahead.x, -ahead.z) / (Math.PI / 2)) * (Math.PI / 2);
  }
  // Files.
  savePicture() {
    const helper = this.gizmo.controls.getHelper();
    const shown = helper.visible;
    helper.visible = false;
    this.loaded?.model.select(null);
    this.draw("saved");
    helper.visible = shown;
    this.loaded?.model.select(this.state.selected);
    this.canvas.toBlob((file) => {
      if (file) saveAs(file, "cast_scene.png");
    });
    this.invalidate();
  }
  async saveGlb() {
    const { files, loaded } = this;
    if (!files || !loaded) return;
    try {
      const glb = await fetchGlb(this.ports.api, files, this.leaving.signal);
      const { edits } = this;
      const moved = [...loaded.model.pieces.values()].filter((p) => this.ports.edits && poseOf(edits[p.about.id]));
      const poses = new Map(moved.map((p) => [p.about.node, loaded.model.pose(p.about.id)]));
      saveAs(new Blob([poses.size ? withPoses(glb, poses) : glb], { type: "model/gltf-binary" }), "cast_scene.glb");
    } catch (error) {
      if (error instanceof Gone) this.say(this.texts.gone);
    }
  }
};
var NO_OBJECTS = [];
function free(loaded) {
  loaded.model.dispose();
  loaded.photo.close();
}
function sorted(entry) {
  return JSON.stringify(Object.entries(entry ?? {}).sort(([a], [b]) => a < b ? -1 : 1));
}
function saveAs(file, name) {
  const url = URL.createObjectURL(file);
  const link = element("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1e4);
}
export {
  SceneViewer,
  sharedRenderer
};
