import { CellKind } from './cells.ts';
export declare const INDEX_MIN: number;
export declare const INDEX_MAX: number;
/** One number for schema, sign and index of a bucket. In the order of values for one schema and sign. */
export declare function bucketCode(schema: number, isNegative: boolean, index: number): number;
export declare function schemaOfCode(code: number): number;
export declare function isNegativeCode(code: number): boolean;
export declare function indexOfCode(code: number): number;
export declare function isNative(kind: CellKind): boolean;
export declare function bucketKey(group: number, code: number): string;
export declare function zeroKey(group: number, schema: number, threshold: number): string;
export declare function countKey(group: number, schema: number): string;
/** What a cell with a key of the above is, or was before it was freed. The key begins at `start`. */
export declare function kindOfKey(bytes: Uint8Array, start: number): CellKind;
/** The schema in a key of `zeroKey`, which begins at `start`. It has one digit. */
export declare function schemaOfZeroKey(bytes: Uint8Array, start: number): number;
/** Whether a key is one of the above, and not the text of a series. */
export declare function isNativeKey(text: string): boolean;
