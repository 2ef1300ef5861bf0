// Materials that draw fast everywhere: matt ones in place of the GLB's physically based ones, and
// one that draws an object's number in place of its colour.

import * as THREE from "../lib/three.ts";

type Source = THREE.Material & {
  map?: THREE.Texture | null;
  color?: THREE.Color;
  emissive?: THREE.Color;
  emissiveMap?: THREE.Texture | null;
  flatShading?: boolean;
};

/** The same look without shine; materials that hold their light already stay as they are. */
export function matt(material: THREE.Material): THREE.Material {
  if (!(material as THREE.MeshStandardMaterial).isMeshStandardMaterial) return material;
  const source = material as Source;
  return new THREE.MeshLambertMaterial({
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
    depthWrite: material.depthWrite,
  });
}

const VERTEX = `
varying vec2 at;
void main() {
  at = uv;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;
const FRAGMENT = `
uniform vec2 number;
uniform sampler2D map;
uniform float cutoff;
varying vec2 at;
void main() {
  if (cutoff > 0.0 && texture2D(map, at).a < cutoff) discard;
  gl_FragColor = vec4(number, 0.0, 1.0);
}`;

/** Draws a whole number below 65536 in red and green; holes of the texture stay holes. */
export function numbered(number: number, look: THREE.Material): THREE.ShaderMaterial {
  const map = (look as Source).map ?? null;
  return new THREE.ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    side: look.side,
    uniforms: {
      number: { value: new THREE.Vector2((number & 255) / 255, (number >> 8) / 255) },
      map: { value: map },
      cutoff: { value: map ? look.alphaTest || (look.transparent ? 0.5 : 0) : 0 },
    },
  });
}

/** Frees a material and its pictures. */
export function freeMaterial(material: THREE.Material): void {
  for (const value of Object.values(material)) {
    if (!(value as THREE.Texture | null)?.isTexture) continue;
    const texture = value as THREE.Texture;
    (texture.source.data as Partial<ImageBitmap> | null)?.close?.();
    texture.dispose();
  }
  material.dispose();
}
