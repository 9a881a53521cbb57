import '../ops/methods.js';

export {
  decodeSafetensors,
  encodeSafetensors,
  loadSafetensors,
  loadSafetensorsMetadata,
  type SafetensorsOptions,
  saveSafetensors,
  type TensorRecord,
} from './safetensors.js';
