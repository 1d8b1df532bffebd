/** Layers and models: `import { Linear, Module, Sequential } from 'cotangent/nn'`. Start with `module.ts`. */
export {
  CELU,
  ELU,
  GELU,
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  ReLU,
  ReLU6,
  SELU,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Softshrink,
  Softsign,
  Tanh,
  Tanhshrink,
  Threshold,
} from './activations.ts';
export { type AttentionCallOptions, MultiheadAttention, type MultiheadAttentionOptions } from './attention.ts';
export { BatchNorm1d, BatchNorm2d, type BatchNormLayerOptions } from './batchnorm.ts';
export { type Layer, ModuleList, Sequential } from './containers.ts';
export { Conv2d, type Conv2dLayerOptions, ConvTranspose2d, type ConvTranspose2dLayerOptions } from './conv.ts';
export * as init from './init.ts';
export {
  Dropout,
  Embedding,
  type EmbeddingLayerOptions,
  Flatten,
  Identity,
  LayerNorm,
  type LayerNormLayerOptions,
  Linear,
  type LinearOptions,
  RMSNorm,
  type RMSNormLayerOptions,
} from './layers.ts';
export {
  BCELoss,
  type BCELossOptions,
  BCEWithLogitsLoss,
  type BCEWithLogitsLossOptions,
  CrossEntropyLoss,
  type CrossEntropyLossOptions,
  L1Loss,
  MSELoss,
  NLLLoss,
  type NLLLossOptions,
} from './losses.ts';
export { type ForwardHook, type ForwardPreHook, type LoadResult, Module, type StateDict } from './module.ts';
export { type LayerOptions, Parameter } from './parameter.ts';
export { AvgPool2d, type AvgPool2dLayerOptions, MaxPool2d, type MaxPool2dLayerOptions } from './pool.ts';
export {
  type Activation,
  type EncoderCallOptions,
  TransformerBlock,
  type TransformerBlockOptions,
  TransformerEncoderLayer,
  type TransformerEncoderLayerOptions,
} from './transformer.ts';
