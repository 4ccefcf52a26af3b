import type { MetricType } from '../model/metric-type.ts';
import type { PageView } from '../model/page-view.ts';
import type { Dialect } from '../model/sample-sink.ts';
import type { Batch, PushFamily } from './batch.ts';
import { CellKind, Cells } from './cells.ts';
import { Families } from './families.ts';
import { Pace } from './pace.ts';
import type { Limits, StateRules } from './rules.ts';
import { Sources } from './sources.ts';
import { Spellings } from './spellings.ts';
/** Who pushed, and how. Without by-job mode the source means nothing. */
export interface PushOrigin {
  readonly source: string;
  readonly method: 'PUT' | 'POST';
  readonly nowMs: number;
  /** Wall-clock time, kept as the start of what is counted for the first time. */
  readonly wallMs: number;
}
export declare class State {
  #private;
  readonly hashSeed: number;
  readonly limits: Limits;
  readonly cells: Cells;
  readonly families: Families;
  readonly sources: Sources;
  readonly spellings: Readonly<Record<Dialect, Spellings>>;
  /** Grows with every change that can invalidate a batch being decoded: anything created, freed or retyped. */
  epoch: number;
  readonly pace: Pace;
  /** `stepRows` bounds the rows of one step. */
  constructor(rules: StateRules, limits: Limits, hashSeed: number, stepRows?: number);
  /** Untyped samples dropped because a declared family took their name, since the last time it was set to 0. */
  get droppedStrays(): number;
  set droppedStrays(strays: number);
  get rules(): StateRules;
  /**
   * Goes on by other rules. Counters and histograms stay as they are. Gauges go when the mode changes, as nobody could take back what
   * they were; so do summaries that are to be dropped from now on.
   */
  setRules(rules: StateRules): void;
  setRulesInSteps(rules: StateRules): Generator<void, void>;
  /** Whether a cell stays and can take numbers of `kind` once a push that changes its family is applied. */
  survives(cell: number, family: PushFamily, kind: CellKind): boolean;
  /** Whether samples of this type are read and thrown away. */
  discards(type: MetricType): boolean;
  /** Whether one more source would be too many. */
  isFullFor(source: string): boolean;
  /** Applies a batch made for the state as it is (`builder.epoch` equals `epoch`). Cannot fail. `body` is what it was read from. */
  apply(batch: Batch, body: Uint8Array, origin: PushOrigin): void;
  applyInSteps(batch: Batch, body: Uint8Array, origin: PushOrigin): Generator<void, void>;
  remove(source: string): boolean;
  removeInSteps(source: string): Generator<void, boolean>;
  /** Resets and forgets silent sources, a limited number at a time; true when there may be more to do. */
  expire(limits: Silence, most: number): boolean;
  expireInSteps({ pruneBeforeMs, forgetBeforeMs }: Silence, most: number): Generator<void, boolean>;
  /**
   * The page now; pushes may go on while it is read. Counters and histograms that came after an earlier view are shown as 0 when
   * that view's `Cells.tick` is given.
   */
  view(zeroAfter?: number): PageView;
  viewInSteps(zeroAfter?: number): Generator<void, PageView>;
  /** Keeps the numbers of freed cells from being used again until `letGo`. */
  hold(): void;
  letGo(): void;
  /** Whether it is time for `recycle`. */
  get wantsRecycling(): boolean;
  /**
   * Lets the numbers of freed cells be used again. A verb of its own, as the time for it depends on who reads, and the numbers
   * that later cells get depend on it: whoever applies the same changes again must recycle between the same two.
   */
  recycle(): void;
  recycleInSteps(): Generator<void, void>;
}
/** Times of silence. */
interface Silence {
  readonly pruneBeforeMs?: number;
  readonly forgetBeforeMs?: number;
}
export {};
