// The free camera: begins where the photo was taken and turns around the scene's middle.

import * as THREE from "../lib/three.ts";
import { cameraPose, fieldOfView } from "./photo_camera.ts";
import type { SceneModel } from "./scene_model.ts";

export class Orbiting {
  readonly camera = new THREE.PerspectiveCamera();
  private readonly controls: THREE.OrbitControls;

  constructor(surface: HTMLElement, onChange: () => void) {
    this.controls = new THREE.OrbitControls(this.camera, surface);
    this.controls.enableDamping = false;
    this.controls.enabled = false;
    this.controls.addEventListener("change", onChange);
  }

  set enabled(on: boolean) {
    this.controls.enabled = on;
  }

  /** Stands where the photo was taken and looks at the scene's middle depth. */
  begin(model: SceneModel): void {
    const { about, size } = model;
    const pose = new THREE.Matrix4().fromArray(cameraPose(about.world_from_camera));
    const ahead = new THREE.Vector3(0, 0, -1).transformDirection(pose);
    this.camera.position.setFromMatrixPosition(pose);
    const distance = Math.max(model.middle.clone().sub(this.camera.position).dot(ahead), 0.3 * size);
    this.controls.target.copy(this.camera.position).addScaledVector(ahead, distance);
    this.controls.minDistance = 0.02 * size;
    this.controls.maxDistance = 30 * size;
    this.camera.fov = Math.min(Math.max(fieldOfView(about.intrinsics, about.height), 20), 80);
    this.camera.near = 0.005 * size;
    this.camera.far = 100 * size;
    this.controls.update();
  }

  fit(width: number, height: number): void {
    const aspect = width / height;
    if (this.camera.aspect === aspect) return;
    this.camera.aspect = aspect;
    this.camera.updateProjectionMatrix();
  }

  /** Turns by angles around the target, radians; `nearer` above 1 goes away. */
  turn(across: number, up: number, farther = 1): void {
    const offset = this.camera.position.clone().sub(this.controls.target);
    const place = new THREE.Spherical().setFromVector3(offset);
    place.theta += across;
    place.phi += up;
    place.radius *= farther;
    place.makeSafe();
    this.camera.position.copy(this.controls.target).add(offset.setFromSpherical(place));
    this.controls.update();
  }

  /** Looks at this point from where it is. */
  lookAt(point: THREE.Vector3): void {
    this.controls.target.copy(point);
    this.controls.update();
  }

  dispose(): void {
    this.controls.dispose();
  }
}
