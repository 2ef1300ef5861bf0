// The viewer of one node: a scene, two cameras, the comparison with the photo, and the user's edits.

import * as THREE from "../lib/three.ts";
import type { Api } from "../shared/comfyui.ts";
import { element, shadowWith } from "../shared/dom.ts";
import { History } from "../shared/history.ts";
import { isSceneFiles, type SceneFiles } from "./about.ts";
import { drawComparison, drawFrame, outlinePicture } from "./comparing.ts";
import { type Edits, editsText, isLocked, parseEdits, poseOf, withLock, withoutPose, withPose } from "./edits.ts";
import { Gizmo } from "./gizmo.ts";
import { withPoses } from "./glb_poses.ts";
import { fetchGlb, Gone, type Loaded, loadPoints, loadScene } from "./loading.ts";
import { Orbiting } from "./orbiting.ts";
import type { IdMap } from "./outline.ts";
import { type Actions, Panel, type Shown } from "./panel.ts";
import {
  cameraPose, fieldOfView, type Frame, photoFrame, type PhotoZoom, projection, pushed, WHOLE_PHOTO, zoomedAt,
} from "./photo_camera.ts";
import { sharedRenderer } from "./shared_renderer.ts";
import { BEGINNING, shownObjects, type State, toggledEye } from "./state.ts";
import css from "./style.css";
import { type Texts, textsOf } from "./texts.ts";

/** The node's text of edits; null where there is none to write to. */
export interface EditsPort {
  read(): string;
  write(text: string): void;
}

/** What a viewer needs of the world around it. */
export interface Ports {
  api: Pick<Api, "apiURL">;
  language: unknown;
  edits: EditsPort | null;
}

const BLINK_MS = 700;
const STILL_MS = 180;
const CLICK_PX = 4;
const NUMBERS_SIDE_PX = 900;
/** Sides of the picture beyond this are drawn smaller and stretched. */
const MOST_PX = 2400;
/** A still picture is drawn finer, as far as that takes no longer than this; a saved one always. */
const FINE_MS = 150;
/** How often it is looked whether the graph was zoomed: no event tells. */
const ZOOM_LOOK_MS = 400;

export class SceneViewer {
  private readonly texts: Texts;
  private readonly panel: Panel;
  private readonly canvas = element("canvas", { tabindex: "0" });
  private readonly pen = this.canvas.getContext("2d")!;
  private readonly message = element("div", { class: "message" });
  private readonly divider: HTMLElement;
  private readonly tags = [element("div", { class: "tag left" }), element("div", { class: "tag right" })] as const;
  private readonly photoCamera = new THREE.PerspectiveCamera();
  private readonly orbiting: Orbiting;
  private readonly gizmo: Gizmo;
  private readonly watch: ResizeObserver;
  private readonly sight: IntersectionObserver;
  private readonly history: History<string>;
  private readonly leaving = new AbortController();
  private readonly redraw = () => this.invalidate();
  private loading = new AbortController();

  private state: State = BEGINNING;
  private files: SceneFiles | null = null;
  private loaded: Loaded | null = null;
  private zoom: PhotoZoom = WHOLE_PHOTO;
  private seen = true;
  private waiting = 0;
  private finer: ReturnType<typeof setTimeout> | undefined;
  private blinking: ReturnType<typeof setInterval> | undefined;
  private readonly zoomWatch: ReturnType<typeof setInterval>;
  private photoNow = false;
  private lastDrawMs = 0;
  /** The canvas's width on the screen when it was last drawn. */
  private drawnPx = 0;
  private version = 0;
  private numbers: { version: number; map: IdMap } | null = null;
  private outlines: { version: number; picture: ImageBitmap } | null = null;
  private press: { x: number; y: number; moved: boolean } | null = null;

  constructor(
    host: HTMLElement,
    private readonly ports: Ports,
  ) {
    this.texts = textsOf(ports.language);
    this.history = new History(ports.edits?.read() ?? "");
    this.panel = new Panel(this.texts, this.actions(), ports.edits !== null);
    this.divider = element("div", {
      class: "divider", role: "slider", tabindex: "0",
      "aria-label": this.texts.divider, "aria-valuemin": "0", "aria-valuemax": "100",
    });
    this.canvas.setAttribute("aria-label", this.texts.view);
    for (const mark of [this.divider, ...this.tags]) mark.hidden = true;
    this.panel.stage.append(this.canvas, ...this.tags, this.divider, this.message);
    host.style.cssText = "width: 100%; height: 100%; min-height: 390px;";
    const root = shadowWith(host, css);
    root.append(this.panel.root);

    this.orbiting = new Orbiting(this.canvas, () => this.invalidate());
    this.gizmo = new Gizmo(
      this.photoCamera,
      this.canvas,
      () => this.invalidate(),
      (dragging) => (this.orbiting.enabled = !dragging && this.state.view === "orbit"),
      (id, done) => this.poseChanged(id, done),
    );
    this.listen(host);
    this.watch = new ResizeObserver(this.redraw);
    this.watch.observe(this.panel.stage);
    this.sight = new IntersectionObserver((entries) => {
      this.seen = entries.at(-1)!.isIntersecting;
      if (this.seen) this.invalidate();
    });
    this.sight.observe(this.panel.stage);
    this.zoomWatch = setInterval(() => this.sharpen(), ZOOM_LOOK_MS);
    sharedRenderer.enter(this.redraw);
    this.say(this.texts.empty);
    this.update({});
  }

  /** Shows a scene; what was shown before stays until the new one is there. */
  async show(files: SceneFiles): Promise<void> {
    if (!isSceneFiles(files)) return;
    this.loading.abort();
    const loading = (this.loading = new AbortController());
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
  editsChanged(): void {
    this.history.push(this.ports.edits?.read() ?? "");
    this.placeAll();
    this.update({});
  }

  /** Frees everything. */
  dispose(): void {
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

  private take(loaded: Loaded, files: SceneFiles): void {
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
      hovered: null,
    });
  }

  private actions(): Actions {
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
        if (this.state.selected !== null) this.changeEdits((edits) => withoutPose(edits, this.state.selected!));
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
      },
    };
  }

  // Edits.

  private get edits(): Edits {
    return parseEdits(this.ports.edits?.read() ?? "") ?? {};
  }

  private changeEdits(change: (edits: Edits) => Edits): void {
    const before = parseEdits(this.ports.edits?.read() ?? "");
    if (!this.ports.edits || before === null) return this.panel.textIsGood(false);
    const text = editsText(change(before));
    this.history.push(text);
    this.writeEdits(text);
  }

  /** Locks an object where it is seen, or gives it free. */
  private toggleLock(id: number): void {
    const piece = this.loaded?.model.pieces.get(id);
    if (!piece) return;
    const made = parseEdits(this.loaded!.about.edits) ?? {};
    const wasPlaced = editsText(withPose({}, id, piece.given));
    this.changeEdits((edits) => {
      if (!isLocked(edits, id)) {
        const pose = this.loaded!.model.pose(id)!;
        return withLock(poseOf(edits[id]) ? edits : withPose(edits, id, pose), id, true);
      }
      const entry = edits[id] ?? {};
      const onlyLocked = !made[id] && editsText({ [id]: poseOf(entry) ?? {} }) === wasPlaced;
      return onlyLocked ? withoutPose(edits, id) : withLock(edits, id, false);
    });
  }

  private writeEdits(text: string): void {
    this.ports.edits?.write(text);
    this.panel.textIsGood(true);
    this.placeAll();
    this.update({});
  }

  /** An object was moved by hand; it is written down when the hand lets go. */
  private poseChanged(id: number, done: boolean): void {
    this.loaded?.model.select(this.state.selected);
    if (done) {
      const pose = this.loaded?.model.pose(id);
      if (pose) this.changeEdits((edits) => withPose(edits, id, pose));
    }
    this.invalidate();
  }

  /** Every object where the edits have it, else where the server has placed it. */
  private placeAll(): void {
    const model = this.loaded?.model;
    if (!model) return;
    const { edits } = this;
    for (const id of model.pieces.keys()) model.place(id, this.ports.edits ? poseOf(edits[id]) : null);
  }

  /** Objects whose entry in the text is not the one that the scene was made with. */
  private get changed(): Set<number> {
    if (!this.loaded || !this.ports.edits) return new Set();
    const made = parseEdits(this.loaded.about.edits) ?? {};
    const { edits } = this;
    const ids = new Set([...Object.keys(made), ...Object.keys(edits)]);
    return new Set([...ids].filter((id) => sorted(made[id]) !== sorted(edits[id])).map(Number));
  }

  // What is shown.

  private update(changes: Partial<State>): void {
    const before = this.state;
    this.state = { ...before, ...changes };
    const { state } = this;
    const model = this.loaded?.model;
    const only = Object.keys(changes);
    if (model && !(only.length === 1 && only[0] === "hovered")) {
      model.showObjects(shownObjects(state, model.pieces.keys()));
      for (const [layer, on] of Object.entries(state.layers)) model.show(layer as keyof State["layers"], on);
      model.colourByFit(state.fit);
      model.select(state.selected);
      this.gizmo.controls.camera = state.view === "photo" ? this.photoCamera : this.orbiting.camera;
      this.gizmo.hold(model, state.selected, state.tool);
      this.invalidate();
    }
    this.orbiting.enabled = state.view === "orbit" && model !== undefined;
    this.blink(state.view === "photo" && state.compare === "blink" && model !== undefined);
    this.panel.show(state, this.shown());
  }

  private shown(): Shown {
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
      editsText: this.ports.edits?.read() ?? "",
    };
  }

  private say(message: string): void {
    this.message.textContent = message;
    this.message.hidden = message === "";
  }

  private blink(on: boolean): void {
    if (on === (this.blinking !== undefined)) return;
    clearInterval(this.blinking);
    this.blinking = undefined;
    this.photoNow = false;
    if (!on) return;
    this.blinking = setInterval(() => {
      if (!this.seen) return;
      this.photoNow = !this.photoNow;
      this.schedule();
    }, BLINK_MS);
  }

  private async fetchPoints(): Promise<void> {
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
  private invalidate(): void {
    this.version++;
    this.schedule();
  }

  private schedule(): void {
    this.panel.stage.dataset["picture"] = "waits";
    if (this.waiting || this.leaving.signal.aborted) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw("moving");
    });
  }

  private draw(how: "moving" | "still" | "saved"): void {
    const { loaded } = this;
    const { clientWidth: width, clientHeight: height } = this.panel.stage;
    if (!loaded || !this.seen || width < 2 || height < 2) return;
    clearTimeout(this.finer);
    const started = performance.now();
    // On the screen the node may be larger or smaller than its layout says.
    this.drawnPx = this.canvas.getBoundingClientRect().width;
    const onScreen = (this.drawnPx / width) * devicePixelRatio || 1;
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

  private frame(width: number, height: number): Frame {
    const { about } = this.loaded!;
    return photoFrame(width, height, about.width / about.height, this.zoom);
  }

  /** The camera that looks now, its picture fitted to an area. */
  private aim(width: number, height: number): THREE.Camera {
    if (this.state.view === "orbit") {
      this.orbiting.fit(width, height);
      return this.orbiting.camera;
    }
    const { about, model } = this.loaded!;
    const camera = this.photoCamera;
    new THREE.Matrix4().fromArray(cameraPose(about.world_from_camera)).decompose(camera.position, camera.quaternion, camera.scale);
    camera.updateMatrixWorld(true);
    const frame = this.frame(width, height);
    camera.near = 0.005 * model.size;
    camera.far = 100 * model.size;
    const shown = { width, height };
    camera.projectionMatrix.fromArray(projection(about.intrinsics, about, frame, shown, camera.near, camera.far));
    camera.projectionMatrixInverse.copy(camera.projectionMatrix).invert();
    // The handles' size on the screen is worked out from the angle of view.
    camera.fov = fieldOfView(about.intrinsics, (about.height * height) / frame.height);
    return camera;
  }

  private drawPhoto(loaded: Loaded, width: number, height: number): void {
    const frame = this.frame(width, height);
    const scale = this.canvas.width / width;
    const scaled = { x: frame.x * scale, y: frame.y * scale, width: frame.width * scale, height: frame.height * scale };
    const { compare, wipe } = this.state;
    drawComparison(this.pen, { compare, wipe, photoNow: this.photoNow, photo: loaded.photo, frame: scaled });
    if (compare === "outline") this.drawOutlines(width, height);
    drawFrame(this.pen, scaled);
  }

  private drawOutlines(width: number, height: number): void {
    const { picture, version } = this.outlines ?? {};
    if (picture && version === this.version) {
      this.pen.imageSmoothingEnabled = true;
      this.pen.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
    } else void this.makeOutlines(width, height);
  }

  private async makeOutlines(width: number, height: number): Promise<void> {
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
  private numberMap(): IdMap | null {
    const { clientWidth, clientHeight } = this.panel.stage;
    if (!this.loaded || clientWidth < 2 || clientHeight < 2) return null;
    if (this.numbers?.version === this.version) return this.numbers.map;
    const share = Math.min(1, NUMBERS_SIDE_PX / Math.max(clientWidth, clientHeight));
    const [width, height] = [Math.round(clientWidth * share), Math.round(clientHeight * share)];
    const target = new THREE.WebGLRenderTarget(width, height, { depthBuffer: true, generateMipmaps: false });
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
  private objectAt(event: { clientX: number; clientY: number }): number | null {
    const map = this.numberMap();
    if (!map || !this.loaded) return null;
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * map.width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * map.height);
    if (x < 0 || y < 0 || x >= map.width || y >= map.height) return null;
    const number = map.ids[y * map.width + x]!;
    return number ? (this.loaded.about.objects[number - 1]?.id ?? null) : null;
  }

  /** The line of the wipe and the names of the two sides. */
  private showMarks(width: number, height: number): void {
    const { view, compare, wipe } = this.state;
    const on = view === "photo" && this.loaded !== null;
    const frame = this.loaded ? this.frame(width, height) : { x: 0, width: 0 };
    this.divider.hidden = !(on && compare === "wipe");
    this.divider.style.left = `${Math.min(Math.max(frame.x + wipe * frame.width, 0), width)}px`;
    this.divider.setAttribute("aria-valuenow", String(Math.round(100 * wipe)));
    const t = this.texts;
    const words: Partial<Record<typeof compare, [string, string]>> = {
      wipe: [t.thePhoto, t.off],
      blink: [this.photoNow ? t.thePhoto : t.off, ""],
      outline: [t.thePhoto, t.off],
    };
    const [left, right] = (on && words[compare]) || ["", ""];
    this.tags.forEach((tag, i) => {
      tag.textContent = i ? right : left;
      tag.hidden = !tag.textContent;
      tag.classList.toggle("blue", compare === "outline" && i === 0);
      tag.classList.toggle("orange", compare === "outline" && i === 1);
    });
  }

  // Hands and keys.

  private listen(host: HTMLElement): void {
    const { signal } = this.leaving;
    const { canvas, divider } = this;
    // The graph below must not move with what is meant for the viewer. (The renderer of Vue lets
    // the wheel be where this attribute and the focus are.)
    host.dataset["captureWheel"] = "true";
    for (const name of ["pointerdown", "mousedown", "dblclick", "contextmenu", "wheel"] as const)
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

  private wipeTo(clientX: number): void {
    const { clientWidth: width, clientHeight: height } = this.panel.stage;
    const box = this.canvas.getBoundingClientRect();
    const frame = this.frame(width, height);
    const x = ((clientX - box.left) / box.width) * width;
    this.update({ wipe: Math.min(Math.max((x - frame.x) / frame.width, 0), 1) });
  }

  private pressed(event: PointerEvent): void {
    this.canvas.focus({ preventScroll: true });
    this.softFocus = false;
    this.press = { x: event.clientX, y: event.clientY, moved: this.gizmo.busy };
    if (this.state.view === "photo") this.canvas.setPointerCapture(event.pointerId);
  }

  private pointed(event: PointerEvent): void {
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

  private released(event: PointerEvent): void {
    const { press } = this;
    this.press = null;
    if (press && !press.moved && event.button === 0 && !this.gizmo.busy) this.update({ selected: this.objectAt(event) });
  }

  private get aspect(): number {
    const { about } = this.loaded!;
    return about.width / about.height;
  }

  private wheel(event: WheelEvent): void {
    if (this.state.view !== "photo" || !this.loaded) return;
    event.preventDefault();
    const { clientWidth: width, clientHeight: height } = this.panel.stage;
    const box = this.canvas.getBoundingClientRect();
    const point = {
      x: ((event.clientX - box.left) / box.width) * width,
      y: ((event.clientY - box.top) / box.height) * height,
    };
    this.zoom = zoomedAt(this.zoom, 1.0015 ** -event.deltaY, point, { width, height }, this.aspect);
    this.invalidate();
  }

  private resting: ReturnType<typeof setTimeout> | undefined;

  /** Looks up what is under a pointer that rests. */
  private hoverSoon(event: PointerEvent): void {
    const at = { clientX: event.clientX, clientY: event.clientY };
    clearTimeout(this.resting);
    const look = () => {
      if (!this.leaving.signal.aborted && !this.press && !this.gizmo.busy) this.hover(this.objectAt(at));
    };
    if (this.numbers?.version === this.version) look();
    else this.resting = setTimeout(look, 80);
  }

  private hover(id: number | null): void {
    if (id === null) clearTimeout(this.resting);
    if (id !== this.state.hovered) this.update({ hovered: id });
  }

  private softFocus = false;

  /** Keys and wheel go to the picture under the pointer, unless somebody is writing. */
  private entered(): void {
    const now = document.activeElement;
    const writing = now instanceof HTMLInputElement || now instanceof HTMLTextAreaElement;
    if (writing || this.canvas.getRootNode() === now?.shadowRoot) return;
    this.canvas.focus({ preventScroll: true });
    this.softFocus = true;
  }

  private left(): void {
    this.hover(null);
    if (this.softFocus && !this.press) this.canvas.blur();
    this.softFocus = false;
  }

  /** Draws anew when the graph was zoomed since. */
  private sharpen(): void {
    if (!this.loaded || !this.seen || this.waiting || this.press) return;
    const { width } = this.canvas.getBoundingClientRect();
    if (width && this.drawnPx && Math.abs(Math.log(width / this.drawnPx)) > 0.1) this.schedule();
  }

  private key(event: KeyboardEvent): void {
    const target = event.composedPath()[0] as HTMLElement;
    if (target instanceof HTMLTextAreaElement) return event.stopPropagation();
    if (!this.keyDone(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private keyDone(event: KeyboardEvent): boolean {
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
    const tool = ({ w: "move", e: "turn", r: "size" } as const)[key];
    if (tool && this.ports.edits) this.update({ tool: this.state.tool === tool ? null : tool });
    else if (key === "1" || key === "2") this.update({ view: key === "1" ? "photo" : "orbit" });
    else if (key === "Escape" && this.state.selected !== null) this.update({ selected: null, tool: null });
    else return this.keyView(key);
    return true;
  }

  /** Arrow keys and + - on the picture. */
  private keyView(key: string): boolean {
    const { activeElement } = this.canvas.getRootNode() as ShadowRoot;
    if (activeElement !== this.canvas) return false;
    const arrows: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    };
    const nearer = ({ "+": 1.15, "=": 1.15, "-": 1 / 1.15 } as Record<string, number>)[key];
    const arrow = arrows[key];
    if (!arrow && !nearer) return false;
    if (this.state.view === "orbit") this.orbiting.turn(0.1 * (arrow?.[0] ?? 0), 0.1 * (arrow?.[1] ?? 0), 1 / (nearer ?? 1));
    else {
      const { clientWidth: width, clientHeight: height } = this.panel.stage;
      const area = { width, height };
      this.zoom = arrow
        ? pushed(this.zoom, { x: -40 * arrow[0], y: -40 * arrow[1] }, area, this.aspect)
        : zoomedAt(this.zoom, nearer!, { x: width / 2, y: height / 2 }, area, this.aspect);
    }
    this.invalidate();
    return true;
  }

  /** Shift and arrow keys change the selected object by one step of the tool. */
  private keyStep(key: string): boolean {
    const steps: Record<string, [number, number, number]> = {
      ArrowLeft: [-1, 0, 0], ArrowRight: [1, 0, 0], ArrowUp: [0, 0, -1], ArrowDown: [0, 0, 1],
      PageUp: [0, 1, 0], PageDown: [0, -1, 0],
    };
    const step = steps[key];
    const { selected, tool } = this.state;
    if (!step || selected === null || !this.ports.edits || !this.loaded) return false;
    const by = new THREE.Vector3(...step);
    if ((tool ?? "move") === "move") by.applyAxisAngle(new THREE.Vector3(0, 1, 0), this.heading());
    this.gizmo.step(this.loaded.model, selected, tool ?? "move", by);
    return true;
  }

  /** The quarter turn that brings world axes nearest to what is right and away on the screen. */
  private heading(): number {
    const camera = this.state.view === "photo" ? this.photoCamera : this.orbiting.camera;
    const ahead = camera.getWorldDirection(new THREE.Vector3());
    return Math.round(Math.atan2(-ahead.x, -ahead.z) / (Math.PI / 2)) * (Math.PI / 2);
  }

  // Files.

  private savePicture(): void {
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

  private async saveGlb(): Promise<void> {
    const { files, loaded } = this;
    if (!files || !loaded) return;
    try {
      const glb = await fetchGlb(this.ports.api, files, this.leaving.signal);
      const { edits } = this;
      const moved = [...loaded.model.pieces.values()].filter((p) => this.ports.edits && poseOf(edits[p.about.id]));
      const poses = new Map(moved.map((p) => [p.about.node!, loaded.model.pose(p.about.id)!]));
      saveAs(new Blob([poses.size ? withPoses(glb, poses) : glb], { type: "model/gltf-binary" }), "cast_scene.glb");
    } catch (error) {
      if (error instanceof Gone) this.say(this.texts.gone);
    }
  }
}

const NO_OBJECTS: never[] = [];

function free(loaded: Loaded): void {
  loaded.model.dispose();
  loaded.photo.close();
}

/** The same text for entries that say the same. */
function sorted(entry: object | undefined): string {
  return JSON.stringify(Object.entries(entry ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function saveAs(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = element("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
