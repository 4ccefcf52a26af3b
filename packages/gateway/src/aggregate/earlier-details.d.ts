import type { KeptExemplar } from './exemplars.ts';
/**
 * The exemplars and start times that have changed since a point in time, as they were then. Few change while a page is written, so
 * that noting these costs less than copying all.
 */
export declare class EarlierDetails {
  #private;
  get hasExemplars(): boolean;
  /** To be called before the start of a cell changes. */
  noteStart(cell: number, startMs: number): void;
  /** To be called before the exemplar of a cell changes, or goes. */
  noteExemplar(cell: number, exemplar: KeptExemplar | undefined): void;
  /** Undefined where it has not changed. */
  startOf(cell: number): number | undefined;
  /** The exemplar that a cell had, given the one that it has. */
  exemplarOf(cell: number, now: KeptExemplar | undefined): KeptExemplar | undefined;
}
