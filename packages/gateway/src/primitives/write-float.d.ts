/** No double is spelled longer than `-2.2250738585072014e-308`. */
export declare const floatBytesMax = 24;
/** Writes the shortest text that reads back as the same double, and returns where it ends. */
export declare function writeFloat64(to: Uint8Array, at: number, value: number): number;
/** Writes milliseconds as seconds, as `writeFloat64` would write their quotient by a thousand, and returns where it ends. */
export declare function writeSeconds(to: Uint8Array, at: number, milliseconds: number): number;
