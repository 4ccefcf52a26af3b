import type { PushDecoder } from '../../model/push-decoder.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
export declare function beginProtobuf(body: Uint8Array, sink: SampleSink): PushDecoder;
