import type { SampleSink } from '../../model/sample-sink.ts';
/** Reads one line, without its line feed. Blank lines and comments feed nothing. */
export declare function parseLine(bytes: Uint8Array, start: number, end: number, sink: SampleSink): void;
