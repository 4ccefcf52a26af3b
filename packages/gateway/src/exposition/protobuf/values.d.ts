import type { Exemplar } from '../../model/exemplar.ts';
import { NativeReader } from './native.ts';
import type { WireReader } from './wire.ts';
/** A Gauge, Counter or Untyped message. */
export declare class Single {
  value: number;
  /** In milliseconds since the Unix epoch; 0 for none. */
  startMs: number;
  exemplar: Exemplar | undefined;
  /** Reads the message that the reader stands at the beginning of. */
  read(reader: WireReader): void;
}
/** A Histogram or Summary message. */
export declare class Distribution {
  #private;
  count: number;
  sum: number;
  /** Buckets or quantiles. */
  length: number;
  /** Upper bounds of buckets, or which quantiles. */
  readonly bounds: number[];
  readonly values: number[];
  readonly offsets: number[];
  /** In milliseconds since the Unix epoch; 0 for none. */
  startMs: number;
  /** The count came as a float. */
  isFloat: boolean;
  readonly native: NativeReader;
  /** Of buckets, each with the place of its bucket, in ascending order. */
  readonly exemplars: {
    readonly bucket: number;
    readonly exemplar: Exemplar;
  }[];
  readonly nativeExemplars: Exemplar[];
  /** Reads the Histogram that the reader stands at the beginning of. */
  readHistogram(reader: WireReader): void;
  /** Reads the Summary that the reader stands at the beginning of. */
  readSummary(reader: WireReader): void;
}
