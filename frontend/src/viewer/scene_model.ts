// A scene's GLB in parts: the objects with their poses, the room, the floor, and what is drawn
// beside them: the photo's camera, the point cloud, a box around what is selected.

import * as THREE from "../lib/three.ts";
import { type About, type AboutObject, fitColour, shownIou } from "./about.ts";
import type { Pose } from "./edits.ts";
import { freeMaterial, matt, numbered } from "./materials.ts";
import { cameraPose, cornerRays } from "./photo_camera.ts";
import type { PointCloud } from "./points.ts";

/** What may be shown or not, beside the objects. */
export type Layer = "floor" | "room" | "camera" | "points";

interface MeshLook {
  mesh: THREE.Mesh;
  own: THREE.Material | THREE.Material[];
  number: THREE.Material;
  fit: THREE.Material | null;
}

/** One object of the scene. */
export interface Piece {
  about: AboutObject;
  node: THREE.Object3D;
  /** Its pose as the server gave it. */
  given: Pose;
  looks: MeshLook[];
}

const SELECTED = 0x4aa8ff;

export class SceneModel {
  readonly scene = new THREE.Scene();
  readonly pieces = new Map<number, Piece>();
  /** Its longest side, in the scene's unit. */
  readonly size: number;
  readonly middle = new THREE.Vector3();
  private readonly layers: Record<Layer, THREE.Object3D> = {
    floor: new THREE.Group(),
    room: new THREE.Group(),
    camera: new THREE.Group(),
    points: new THREE.Group(),
  };
  private readonly roomLooks: MeshLook[] = [];
  private readonly selection: THREE.LineSegments;

  constructor(
    gltf: THREE.Group,
    readonly about: About,
  ) {
    this.takeApart(gltf);
    const bounds = this.objectBounds();
    this.size = Math.max(...bounds.getSize(new THREE.Vector3()).toArray(), 1e-6);
    bounds.getCenter(this.middle);
    this.addLights();
    this.addCamera();
    if (!this.layers.floor.children.length) this.addGrid();
    this.selection = new THREE.LineSegments(
      new THREE.EdgesGeometry(new THREE.BoxGeometry(1, 1, 1)),
      new THREE.LineBasicMaterial({ color: SELECTED, depthTest: false, transparent: true }),
    );
    this.selection.visible = false;
    this.selection.renderOrder = 10;
    for (const name of ["camera", "points"] as const) this.layers[name].visible = false;
    this.scene.add(...Object.values(this.layers), this.selection);
  }

  show(layer: Layer, visible: boolean): void {
    this.layers[layer].visible = visible;
  }

  /** Shows these objects alone; null shows all. */
  showObjects(ids: ReadonlySet<number> | null): void {
    for (const [id, piece] of this.pieces) piece.node.visible = ids === null || ids.has(id);
  }

  /** Colours the objects by how well they fit, or as they are. */
  colourByFit(on: boolean): void {
    for (const piece of this.pieces.values())
      for (const look of piece.looks) {
        if (on) look.fit ??= fitMaterial(shownIou(piece.about), look.own);
        look.mesh.material = on ? look.fit! : look.own;
      }
  }

  /** A box around this object; null takes it away. */
  select(id: number | null): void {
    const piece = id === null ? undefined : this.pieces.get(id);
    this.selection.visible = piece !== undefined;
    if (!piece) return;
    const box = ownBounds(piece.node);
    piece.node.updateWorldMatrix(true, false);
    const place = new THREE.Matrix4().makeTranslation(box.getCenter(new THREE.Vector3()));
    place.scale(box.getSize(new THREE.Vector3()).multiplyScalar(1.01));
    this.selection.matrixAutoUpdate = false;
    this.selection.matrix.multiplyMatrices(piece.node.matrixWorld, place);
    this.selection.matrixWorldNeedsUpdate = true;
  }

  pose(id: number): Pose | null {
    const piece = this.pieces.get(id);
    return piece ? poseOfNode(piece.node) : null;
  }

  /** Places an object; what is not named is as the server gave it. */
  place(id: number, pose: Partial<Pose> | null): void {
    const piece = this.pieces.get(id);
    if (piece) placeNode(piece.node, { ...piece.given, ...pose });
  }

  /** Which object each pixel shows, seen through the camera: 0 none, otherwise 1 + its index. */
  readNumbers(read: (scene: THREE.Scene) => Uint8Array): Uint16Array {
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
      for (let i = 0; i < numbers.length; i++) numbers[i] = pixels[4 * i]! + 256 * pixels[4 * i + 1]!;
      return numbers;
    } finally {
      looks.forEach((look, i) => (look.mesh.material = worn[i]!));
      beside.forEach((object, i) => (object.visible = shown[i]!));
      this.scene.background = background;
    }
  }

  addPoints(cloud: PointCloud): void {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(cloud.values, 3));
    geometry.setAttribute("color", new THREE.BufferAttribute(linear(cloud.colours), 3, true));
    const material = new THREE.PointsMaterial({ size: 2, sizeAttenuation: false, vertexColors: true });
    const points = new THREE.Points(geometry, material);
    points.position.fromArray(cloud.corner);
    points.scale.fromArray(cloud.step);
    this.layers.points.add(points);
  }

  get hasPoints(): boolean {
    return this.layers.points.children.length > 0;
  }

  /** Frees all geometries, materials and pictures. */
  dispose(): void {
    const looks = [...this.roomLooks, ...[...this.pieces.values()].flatMap((p) => p.looks)];
    for (const { mesh, own, number, fit } of looks) {
      for (const material of [own].flat()) freeMaterial(material);
      number.dispose();
      fit?.dispose();
      mesh.material = [];
    }
    this.scene.traverse((object) => {
      const drawn = object as THREE.Mesh;
      drawn.geometry?.dispose();
      for (const material of drawn.material ? [drawn.material].flat() : []) freeMaterial(material);
    });
    this.scene.clear();
    this.pieces.clear();
  }

  private takeApart(gltf: THREE.Group): void {
    gltf.updateMatrixWorld(true);
    const index = new Map(this.about.objects.map((object, i) => [object.id, i]));
    const byNode = new Map(this.about.objects.map((object) => [object.node, object]));
    for (const root of [...gltf.children]) {
      const name = nameOf(root);
      const about = byNode.get(name);
      if (about) {
        const number = index.get(about.id)! + 1;
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
  private objectBounds(): THREE.Box3 {
    const box = new THREE.Box3();
    for (const { node } of this.pieces.values()) box.expandByObject(node);
    if (box.isEmpty()) box.setFromObject(this.layers.room).expandByObject(this.layers.floor);
    return box.isEmpty() ? new THREE.Box3(new THREE.Vector3(-1, 0, -1), new THREE.Vector3(1, 1, 1)) : box;
  }

  /** The light of the engine's own pictures: a sky, a lamp and a weak one from the other side. */
  private addLights(): void {
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0x727272, 0.54 * Math.PI));
    const camera = new THREE.Matrix4().fromArray(cameraPose(this.about.world_from_camera));
    const lamps: [number, number, number, number][] = [
      [-0.55, 0.65, 0.52, 0.54],
      [0.8, 0.15, 0.58, 0.14],
    ];
    for (const [x, y, z, power] of lamps) {
      const lamp = new THREE.DirectionalLight(0xffffff, power * Math.PI);
      lamp.position.set(x, y, z).transformDirection(camera);
      this.scene.add(lamp);
    }
  }

  /** The photo's camera: lines to the corners of what it sees. */
  private addCamera(): void {
    const length = 0.25 * this.size;
    const corners = cornerRays(this.about).map((ray) => new THREE.Vector3(...ray).multiplyScalar(length));
    const top = corners[0]!.clone().lerp(corners[1]!, 0.5);
    const up = top.clone().setY(top.y + 0.06 * length);
    const lines: THREE.Vector3[] = [];
    corners.forEach((corner, i) => lines.push(new THREE.Vector3(), corner, corner, corners[(i + 1) % 4]!));
    lines.push(corners[0]!.clone().lerp(top, 0.6), up, up, corners[1]!.clone().lerp(top, 0.6));
    const made = new THREE.LineSegments(
      new THREE.BufferGeometry().setFromPoints(lines),
      new THREE.LineBasicMaterial({ color: 0xffa033 }),
    );
    new THREE.Matrix4()
      .fromArray(cameraPose(this.about.world_from_camera))
      .decompose(made.position, made.quaternion, made.scale);
    this.layers.camera.add(made);
  }

  private addGrid(): void {
    const grid = new THREE.GridHelper(6 * this.size, 60, 0x888888, 0x666666);
    grid.position.set(this.middle.x, 0, this.middle.z);
    this.layers.floor.add(grid);
  }
}

/** A node's name in the file; the loader's own leaves some letters out. */
function nameOf(node: THREE.Object3D): string {
  return typeof node.userData.name === "string" ? node.userData.name : node.name;
}

/** Gives every mesh below a node its looks. */
function dress(root: THREE.Object3D, number: number): MeshLook[] {
  const looks: MeshLook[] = [];
  const made = new Map<THREE.Material, THREE.Material>();
  root.traverse((object) => {
    const mesh = object as THREE.Mesh;
    if (!mesh.isMesh) return;
    const wear = (material: THREE.Material) => {
      if (!made.has(material)) {
        made.set(material, matt(material));
        freeUnused(material, made.get(material)!);
      }
      return made.get(material)!;
    };
    const own = Array.isArray(mesh.material) ? mesh.material.map(wear) : wear(mesh.material);
    mesh.material = own;
    looks.push({ mesh, own, number: numbered(number, [own].flat()[0]!), fit: null });
  });
  return looks;
}

/** Pictures that the matt material does not show need no memory. */
function freeUnused(before: THREE.Material, after: THREE.Material): void {
  if (before === after) return;
  const kept = new Set(Object.values(after));
  for (const value of Object.values(before)) {
    if (!(value as THREE.Texture | null)?.isTexture || kept.has(value)) continue;
    (value as THREE.Texture).dispose();
  }
  before.dispose();
}

function fitMaterial(iou: number | null, look: THREE.Material | THREE.Material[]): THREE.Material {
  const own = [look].flat()[0] as THREE.MeshLambertMaterial;
  const colour = new THREE.Color().setRGB(...(fitColour(iou).map((c) => c / 255) as [number, number, number]), THREE.SRGBColorSpace);
  return new THREE.MeshLambertMaterial({ color: colour, side: own.side, flatShading: own.flatShading ?? false });
}

/** The box of what lies below a node, in the node's own frame. */
export function ownBounds(node: THREE.Object3D): THREE.Box3 {
  node.updateWorldMatrix(true, true);
  const inverse = node.matrixWorld.clone().invert();
  const box = new THREE.Box3();
  const part = new THREE.Box3();
  node.traverse((object) => {
    const mesh = object as THREE.Mesh;
    if (!mesh.isMesh) return;
    if (!mesh.geometry.boundingBox) mesh.geometry.computeBoundingBox();
    part.copy(mesh.geometry.boundingBox!).applyMatrix4(new THREE.Matrix4().multiplyMatrices(inverse, mesh.matrixWorld));
    box.union(part);
  });
  return box.isEmpty() ? box.set(new THREE.Vector3(), new THREE.Vector3()) : box;
}

const DEGREES = 180 / Math.PI;

export function poseOfNode(node: THREE.Object3D): Pose {
  const turn = new THREE.Euler().setFromQuaternion(node.quaternion, "XYZ");
  return {
    position: node.position.toArray(),
    rotation_deg: [turn.x * DEGREES, turn.y * DEGREES, turn.z * DEGREES],
    scale: node.scale.x,
  };
}

export function placeNode(node: THREE.Object3D, pose: Pose): void {
  node.position.fromArray(pose.position);
  const [x, y, z] = pose.rotation_deg;
  node.quaternion.setFromEuler(new THREE.Euler(x / DEGREES, y / DEGREES, z / DEGREES, "XYZ"));
  node.scale.setScalar(pose.scale);
  node.updateMatrixWorld(true);
}

/** sRGB bytes as linear ones, which the drawing wants of vertex colours. */
function linear(srgb: Uint8Array): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, i) => {
    const v = i / 255;
    return Math.round(255 * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  });
  return srgb.map((v) => table[v]!);
}
