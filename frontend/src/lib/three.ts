// The parts of three.js that the pack draws with, in one file that is loaded when first needed.

export * from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
export { TransformControls } from "three/examples/jsm/controls/TransformControls.js";
export { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
