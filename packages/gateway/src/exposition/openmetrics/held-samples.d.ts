import type { SampleSink } from '../../model/sample-sink.ts';
import type { Sample } from './parse-sample.ts';
/** A sample and what it is to the sink. */
export interface ToldSample {
  readonly sample: Sample;
  /** What the sink calls it; of a start time: the sample of the series that it is of. */
  readonly name: string;
  readonly isStart: boolean;
}
export declare class HeldSamples {
  #private;
  constructor(sink: SampleSink, isStrict: boolean);
  /** Holds a sample of the metric with these labels. `reserved` is the label that tells samples of one metric apart. */
  add(told: ToldSample, timestamp: number, reserved: string): void;
  /** Hands over what is held. Call before anything else is told to the sink. */
  flush(): void;
  get isEmpty(): boolean;
}
export declare function tellSample(sink: SampleSink, { sample, name, isStart }: ToldSample): void;
/** Whether a number of seconds can be a start time. What cannot, clients write where they know none. */
export declare function isStartTime(seconds: number): boolean;
