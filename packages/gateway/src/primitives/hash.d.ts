export declare function randomSeed(): number;
/** The hash of the bytes from `start` to `end`, unsigned 32 bits. */
export declare function hashBytes(seed: number, view: DataView, start: number, end: number): number;
