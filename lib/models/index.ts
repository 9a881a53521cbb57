export { type BertOptions, type BertResults, bert } from './bert.js';
export { type GenerateOptions, type GPT2Options, type GPT2Results, gpt2 } from './gpt2.js';
export { type LeNetOptions, lenet } from './lenet.js';
export { type MobileNetOptions, mobilenetV2 } from './mobilenet.js';
export { type ResNetOptions, resnet18, resnet20, resnet34, resnet50 } from './resnet.js';
export { type UNetOptions, unet } from './unet.js';
export { type ViTOptions, vit } from './vit.js';
