import type { State } from './state.ts';
export declare class KeyFinder {
  #private;
  constructor(state: State);
  begin(): void;
  /** Whether it is the entry after the last one found; else UNKNOWN. */
  guess(head: DataView, headEnd: number, view: DataView, start: number, end: number): number;
  find(view: DataView, start: number, end: number, hash: number): number;
}
