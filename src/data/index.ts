/** Data for training: sets, batches, tables of numbers, text. Runs anywhere; reading files is left to the caller. */
export { type CsvOptions, type CsvTable, parseCsv } from './csv.ts';
export { type Dataset, type Fields, TensorDataset } from './dataset.ts';
export { DataLoader, type DataLoaderOptions } from './loader.ts';
export { CharVocabulary } from './vocabulary.ts';
