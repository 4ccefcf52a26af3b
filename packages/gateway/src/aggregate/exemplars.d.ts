/** The newest exemplar of each counter and bucket that had one. */
import type { Exemplar } from '../model/exemplar.ts';
/** An exemplar that is kept always has a time. */
export interface KeptExemplar extends Exemplar {
  readonly timestampMs: number;
}
export declare class Exemplars {
  #private;
  /** Not kept because there was no room, since the start. */
  dropped: number;
  constructor(most: number);
  get size(): number;
  get(cell: number): KeptExemplar | undefined;
  /**
   * Keeps an exemplar unless there is a newer one. One without a time, or from the future, is of `nowMs`: a sender whose clock is
   * wrong must not keep all others out. Returns whether it is kept.
   */
  offer(cell: number, exemplar: Exemplar, nowMs: number): boolean;
  delete(cell: number): void;
}
