// One WebGL context for all viewers of the page. A viewer's picture is drawn here and copied onto
// its own 2D canvas, so that a graph with many viewers does not run out of contexts.

import * as THREE from "../lib/three.ts";

/** How long the context stays after the last viewer has gone: a graph is often loaded anew. */
const LINGER_MS = 3000;

export interface Statistics {
  viewers: number;
  contexts: number;
  geometries: number;
  textures: number;
}

class SharedRenderer {
  private renderer: THREE.WebGLRenderer | null = null;
  private readonly users = new Set<() => void>();
  private leaving: ReturnType<typeof setTimeout> | undefined;
  private width = 0;
  private height = 0;

  /** A viewer begins; `redraw` is called when the context was lost and has come back. */
  enter(redraw: () => void): void {
    clearTimeout(this.leaving);
    this.users.add(redraw);
  }

  /** A viewer is gone. */
  leave(redraw: () => void): void {
    this.users.delete(redraw);
    if (this.users.size) return;
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.close(), LINGER_MS);
  }

  /** Draws the scene and copies the picture onto the canvas, which must be of the same size. */
  draw(scene: THREE.Scene, camera: THREE.Camera, onto: CanvasRenderingContext2D): void {
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
  read(scene: THREE.Scene, camera: THREE.Camera, target: THREE.WebGLRenderTarget): Uint8Array {
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

  statistics(): Statistics {
    const memory = this.renderer?.info.memory;
    return {
      viewers: this.users.size,
      contexts: this.renderer ? 1 : 0,
      geometries: memory?.geometries ?? 0,
      textures: memory?.textures ?? 0,
    };
  }

  private ready(width: number, height: number): THREE.WebGLRenderer {
    if (!this.renderer) {
      // Edges are smoothed by drawing still pictures larger (see viewer.ts): cheaper on a software
      // GPU than samples in every picture.
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

  private close(): void {
    this.renderer?.dispose();
    this.renderer?.forceContextLoss();
    this.renderer = null;
  }
}

export const sharedRenderer = new SharedRenderer();
