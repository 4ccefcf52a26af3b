/** Finds the histogram or summary that a sample belongs to, or begins it. */
import type { Label } from '../model/labels.ts';
import type { PlainSeries } from '../model/sample-sink.ts';
import type { Batch, PushFamily } from './batch.ts';
import { CellKind } from './cells.ts';
import type { PlainReader } from './plain-reader.ts';
import type { State } from './state.ts';
/** A group is one of the state, or `~g` for an index into Batch.freshGroups. */
export declare class PushGroups {
  #private;
  constructor(state: State, batch: Batch, plain: PlainReader);
  /** The group of a plain bucket, count or sum; undefined when it must be found in words. */
  plain(view: DataView, series: PlainSeries, family: PushFamily, kind: CellKind): number | undefined;
  /** The group of a sample told in words, whose labels are without `le` and `quantile`. */
  labelled(family: PushFamily, labels: readonly Label[], offset: number): number;
}
