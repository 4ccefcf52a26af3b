/**
 * Reads the text format 0.0.4 into a sink, line by line and without state between lines, so that a long body can be read in
 * slices. What is hard here is speed; three ways to read a sample, from the cheapest to the dearest:
 *
 *   expected   the series that came after the previous one last time as well: one comparison tells
 *   known      a series seen before: all up to the last blank of the line is looked up, and what is found proves that it
 *              was a whole series, whatever stands in its quotes
 *   new        plain lines are recognized byte by byte; the rest goes to `parseLine`, which knows the whole grammar and all
 *              the error messages
 *
 * Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
import type { PushDecoder } from '../../model/push-decoder.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
export declare function beginText(body: Uint8Array, sink: SampleSink): PushDecoder;
/** Reads the lines of `bytes` from `start` to `end`, which must be the beginning and the end of lines. */
export declare function decodeText(bytes: Uint8Array, start: number, end: number, sink: SampleSink): void;
/** Where a slice of about `length` bytes from `start` may end: after a line feed, or at the end of the body. */
export declare function sliceEnd(bytes: Uint8Array, start: number, length: number): number;
