import type { PushDecoder } from '../../model/push-decoder.ts';
import type { SampleSink } from '../../model/sample-sink.ts';
export interface OpenMetricsRules {
  /** Whether to refuse what breaks a rule of the specification though nothing could be misread for it. */
  readonly strict: boolean;
}
export declare function beginOpenMetrics(
  body: Uint8Array,
  sink: SampleSink,
  rules: OpenMetricsRules,
): PushDecoder;
