import type { MetricType } from '../model/metric-type.ts';
import type { Cells } from './cells.ts';
import type { Families, Family } from './families.ts';
import type { Pace } from './pace.ts';
import type { Sources } from './sources.ts';
/** What is asked of the state. */
export interface ChangedState {
  readonly cells: Cells;
  readonly families: Families;
  readonly sources: Sources;
  readonly pace: Pace;
  isByJob(): boolean;
  discards(type: MetricType): boolean;
  /** Frees a cell that is a row of its own. */
  freeRow(cell: number): void;
  /** Called when lines or series of a family may stand for something else now. */
  meaningsChanged(): void;
}
export declare class FamilyChanges {
  #private;
  /** Untyped samples dropped because a declared family took their name, since the last time somebody asked. */
  droppedStrays: number;
  constructor(state: ChangedState);
  /** An untyped family becomes what it is declared to be. What cannot be that goes. */
  retype(family: Family, type: MetricType): Generator<void, void>;
  /** From now on the minimum is kept. A sum of several start times is later than each, so the next one sets it right. */
  holdStartTimes(family: Family): Generator<void, void>;
  drop(family: Family): Generator<void, void>;
  /** A summary or gauge histogram, with what it holds. The numbers of its groups are not used again. */
  dropGrouped(family: Family): Generator<void, void>;
  /** Has sources forget what they have in cells that are others now; to be called before anything is counted. */
  settle(): Generator<void, void>;
}
