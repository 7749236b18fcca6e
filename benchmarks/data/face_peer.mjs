// Answers of faceExpressionNet of @vladmandic/face-api to face crops, on tfjs' wasm backend.
// Usage: node face_peer.mjs FOLDER CROPS ANSWERS
//   FOLDER   where `npm install @vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm` was run
//   CROPS    crops of 112 x 112 RGB, uint8, one after the other
//   ANSWERS  takes the probabilities, float32, seven a crop: neutral, happy, sad, angry, fearful, disgusted, surprised
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const SIDE = 112;
const BATCH = 32;
const NAMES = ['neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised'];
const [folder, given, made] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(folder, 'package.json'));
const modules = join(folder, 'node_modules');
require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(join(modules, '@tensorflow', 'tfjs-backend-wasm', 'dist') + '/');
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
await faceapi.tf.setBackend('wasm');
await faceapi.tf.ready();
await faceapi.nets.faceExpressionNet.loadFromDisk(join(modules, '@vladmandic', 'face-api', 'model'));

const crops = readFileSync(given);
const size = SIDE * SIDE * 3;
const count = crops.length / size;
const answers = new Float32Array(count * NAMES.length);
for (let first = 0; first < count; first += BATCH) {
  const last = Math.min(first + BATCH, count);
  const batch = [];
  for (let place = first; place < last; place += 1) {
    batch.push(faceapi.tf.tensor3d(new Uint8Array(crops.subarray(place * size, (place + 1) * size)), [SIDE, SIDE, 3], 'int32'));
  }
  const found = await faceapi.nets.faceExpressionNet.predictExpressions(batch);
  (Array.isArray(found) ? found : [found]).forEach((one, place) => {
    NAMES.forEach((name, column) => { answers[(first + place) * NAMES.length + column] = one[name]; });
  });
  batch.forEach((tensor) => tensor.dispose());
}
writeFileSync(made, Buffer.from(answers.buffer));
