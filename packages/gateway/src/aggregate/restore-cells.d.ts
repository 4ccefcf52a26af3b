import type { Head, PartReader } from './snapshot-parts.ts';
import type { State } from './state.ts';
export declare class CellRestorer {
  #private;
  constructor(state: State, head: Head);
  /** Notes that a source contributes to a cell that is still to come. */
  countHolder(cell: number): void;
  take(part: PartReader): Generator<void, void>;
  takeSpilled(part: PartReader): Generator<void, void>;
  takeLimbo(limbo: Uint32Array): Generator<void, void>;
  takeFree(free: Uint32Array): Generator<void, void>;
  /** Call when all has come. */
  finish(): Generator<void, void>;
}
