import type { WireReader } from './wire.ts';
/** A Timestamp message, in milliseconds. */
export declare function readTimestamp(reader: WireReader): number;
