/** What a push says of series besides their numbers: start times and exemplars. Each is of the sample added last. */
import type { Exemplar } from '../model/exemplar.ts';
import type { NativeHistogram } from '../model/native-histogram.ts';
import type { Batch } from './batch.ts';
import type { PushFamilies } from './push-families.ts';
import type { State } from './state.ts';
import type { ValueCheck } from './value-check.ts';
export declare class PushDetails {
  #private;
  constructor(state: State, batch: Batch, families: PushFamilies, values: ValueCheck);
  begin(): void;
  /** A sample was read and has no entry in the batch. */
  passed(): void;
  addStart(startMs: number): void;
  /** Of the counter or the count with this canonical text, in this push. */
  addStartOf(text: string, startMs: number): void;
  addNative(histogram: NativeHistogram, offset: number): void;
  addExemplar(exemplar: Exemplar, isNative: boolean): void;
  /** What became of start times that came before their series. */
  finish(): void;
}
