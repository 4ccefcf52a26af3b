import type { Label } from './labels.ts';
import type { MetricType } from './metric-type.ts';

/** No spelling like this was seen before. Every other reference that `find` gives is opaque to decoders. */
export const UNKNOWN = -1;

/**
 * What a decoder feeds. The sink belongs to one push at a time; every method may throw a PushProblem, after which the push
 * is lost and the sink must be begun anew. Offsets are positions in the body, for the sake of errors.
 */
export interface SampleSink {
  /** Seed of the hash that `find` and `Spelling` expect. */
  readonly hashSeed: number;
  /** Looks up the raw bytes of a series, or of a whole HELP or TYPE line. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number;
  /** One sample, or one metadata line, whose spelling `find` knew. `value` means nothing for metadata. */
  addKnown(reference: number, value: number, offset: number): void;
  /** One sample in words. An empty label value means no label. Label names are unique. */
  addSample(name: string, labels: readonly Label[], value: number, spelling: Spelling): void;
  addType(name: string, type: MetricType, spelling: Spelling): void;
  addHelp(name: string, help: string, spelling: Spelling): void;
}

/** Where in the body something was spelled, so that the sink can know it the next time. */
export interface Spelling {
  /** Position of its first byte, the place that errors point at. */
  readonly start: number;
  readonly end: number;
  /** False when the bytes would not be found again, as with blanks between name and labels. */
  readonly repeatable: boolean;
}
