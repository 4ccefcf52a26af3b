import type { SampleSink } from './sample-sink.ts';
/**
 * Reads the body of one push into a sink. It is made for one body and one sink, so what must be remembered from one part of
 * the body to the next is kept in it, and not in the module.
 */
export interface PushDecoder {
  /**
   * Reads about so many bytes more, and the rest of the line or message that they end in; true once the whole body is read and
   * found good as a whole. May throw a PushProblem, after which the decoder is spent.
   */
  advance(bytes: number): boolean;
}
export type BeginDecoding = (body: Uint8Array, sink: SampleSink) => PushDecoder;
