// The handles with which the selected object is moved, turned and sized. They sit in the middle of
// the object's box, whatever its frame's origin is; sizes change in all directions alike.

import * as THREE from "../lib/three.ts";
import { ownBounds, type SceneModel } from "./scene_model.ts";
import type { Tool } from "./state.ts";

const MODES = { move: "translate", turn: "rotate", size: "scale" } as const;
const SMALLEST_FACTOR = 0.02;

export class Gizmo {
  readonly controls: THREE.TransformControls;
  private readonly pivot = new THREE.Object3D();
  private readonly from = new THREE.Matrix4();
  private id: number | null = null;
  private model: SceneModel | null = null;

  /**
   * @param onChange the picture has changed.
   * @param onDrag a drag begins or ends.
   * @param onMoved the object has another pose.
   */
  constructor(
    camera: THREE.Camera,
    surface: HTMLElement,
    onChange: () => void,
    onDrag: (dragging: boolean) => void,
    private readonly onMoved: (id: number, done: boolean) => void,
  ) {
    this.controls = new THREE.TransformControls(camera, surface);
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

  /** True when a handle is under the pointer or held. */
  get busy(): boolean {
    return this.controls.object !== undefined && (this.controls.axis !== null || this.controls.dragging);
  }

  /** Shows the handles of a tool at an object; null takes them away. */
  hold(model: SceneModel | null, id: number | null, tool: Tool | null): void {
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
  step(model: SceneModel, id: number, tool: Tool, by: THREE.Vector3): void {
    const piece = model.pieces.get(id);
    if (!piece) return;
    this.model = model;
    this.id = id;
    this.sit();
    if (tool === "move") this.pivot.position.addScaledVector(by, 0.01 * model.size);
    else if (tool === "turn") this.pivot.rotateY((by.x * 5 * Math.PI) / 180);
    else this.pivot.scale.setScalar(1.02 ** (by.x + by.y - by.z));
    this.apply();
    this.onMoved(id, true);
    this.sit();
  }

  dispose(): void {
    this.hold(null, null, null);
    this.controls.dispose();
  }

  private get node(): THREE.Object3D | undefined {
    return this.id === null ? undefined : this.model?.pieces.get(this.id)?.node;
  }

  /** Puts the pivot into the object's middle and notes the object's pose as seen from there. */
  private sit(): void {
    const { node } = this;
    if (!node) return;
    const middle = ownBounds(node).getCenter(new THREE.Vector3()).applyMatrix4(node.matrixWorld);
    this.pivot.position.copy(middle);
    this.pivot.quaternion.identity();
    this.pivot.scale.setScalar(1);
    this.pivot.updateMatrixWorld(true);
    this.from.copy(this.pivot.matrixWorld).invert().multiply(node.matrixWorld);
  }

  /** Carries what happened to the pivot over to the object. */
  private apply(): void {
    const { node } = this;
    if (!node || this.id === null) return;
    const { scale } = this.pivot;
    const changed = scale.toArray().reduce((a, b) => (Math.abs(b - 1) > Math.abs(a - 1) ? b : a), 1);
    scale.setScalar(Math.max(Math.abs(changed), SMALLEST_FACTOR));
    this.pivot.updateMatrixWorld(true);
    new THREE.Matrix4().multiplyMatrices(this.pivot.matrixWorld, this.from).decompose(node.position, node.quaternion, node.scale);
    node.scale.setScalar(node.scale.x);
    node.updateMatrixWorld(true);
    this.onMoved(this.id, false);
  }
}
