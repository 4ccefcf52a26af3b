import type { SampleSink } from '../../model/sample-sink.ts';
import type { ProtobufType } from './schema.ts';
import type { WireReader } from './wire.ts';
export declare class MetricReader {
  #private;
  constructor(reader: WireReader, sink: SampleSink);
  /** From now on metrics are of the family whose name stands between two positions of the body. */
  setFamily(type: ProtobufType, nameStart: number, nameEnd: number): void;
  /** The metric between two positions. */
  read(start: number, end: number): void;
}
