import type { ByteTable } from '../primitives/byte-table.ts';
/** Sorts in place. */
export declare function sortTexts(texts: ByteTable, entries: Uint32Array): Generator<void, void>;
/** Two sorted lists as one. The second is thought to be the shorter one. */
export declare function mergeTexts(
  texts: ByteTable,
  sorted: Uint32Array,
  added: Uint32Array,
): Generator<void, Uint32Array>;
