/**
 * Turns what a decoder reads into a batch, against the state as it is, without changing the state. Samples in a spelling that
 * was seen before take the short way (`addKnown`); new ones are routed to their family, checked against its type, and, where
 * they are not written so already, brought to their canonical text.
 */
import type { Exemplar } from '../model/exemplar.ts';
import type { Label } from '../model/labels.ts';
import type { MetricType } from '../model/metric-type.ts';
import type { NativeHistogram } from '../model/native-histogram.ts';
import type { Dialect, PlainSeries, SampleSink, Spelling } from '../model/sample-sink.ts';
import type { Batch } from './batch.ts';
import type { State } from './state.ts';
export declare class PushBuilder implements SampleSink {
  #private;
  readonly hashSeed: number;
  readonly batch: Batch;
  /** State.epoch when the push began; the batch means nothing once that has changed. */
  epoch: number;
  guessed: number;
  constructor(state: State);
  /** Begins a push. `pathLabels` are added to every series and win over its own. */
  begin(body: Uint8Array, pathLabels: readonly Label[]): void;
  readAs(
    dialect: Dialect,
    {
      strict,
    }: {
      readonly strict: boolean;
    },
  ): void;
  addExpected(view: DataView, start: number, end: number): number;
  guess(view: DataView, start: number, end: number): number;
  find(view: DataView, start: number, end: number, hash: number): number;
  guessKey(head: DataView, headEnd: number, view: DataView, start: number, end: number): number;
  findKey(view: DataView, start: number, end: number, hash: number): number;
  findSum(count: number): number;
  findBucket(count: number, bound: number): number;
  addKnown(reference: number, value: number, offset: number): void;
  addPlain(view: DataView, series: PlainSeries, hash: number, value: number): boolean;
  addSample(name: string, labels: readonly Label[], value: number, spelling: Spelling): void;
  addType(name: string, type: MetricType, spelling: Spelling): void;
  addHelp(name: string, help: string, spelling: Spelling): void;
  addFamily(
    name: string,
    is: {
      readonly type: MetricType;
      readonly help: string | undefined;
    },
    spelling: Spelling,
  ): void;
  /** What is no plain word, as the ABNF of OpenMetrics has units, is left out: it would end its line, or the page. */
  addUnit(name: string, unit: string): void;
  addStart(startMs: number): void;
  addStartOf(name: string, labels: readonly Label[], startMs: number): void;
  addExemplar(exemplar: Exemplar, native?: boolean): void;
  addNative(histogram: NativeHistogram, offset: number): void;
  /** Completes and checks the batch as a whole; throws a PushProblem when it contradicts itself, the state or a limit. */
  finish(): Batch;
  /** Whether what was read so far means in the state as it is now what it meant then. */
  isCurrent(): boolean;
}
