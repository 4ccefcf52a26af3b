/** How far a push has come in the keys of a table: those that came after one another the last time likely do so again. */
import type { PlacementTable } from './placement-memo.ts';

export class KnownKeys {
  table: PlacementTable;
  /** The last one known, or -1. */
  key = -1;
  /** The key that came after that the last time, or else its neighbour. */
  next = 0;
  /** It was another key than `next`; there is no need to compare again. */
  missed = false;

  constructor(table: PlacementTable) {
    this.table = table;
  }

  /** Begins a push in a state that has lost accumulators so many times. */
  begin(table: PlacementTable, losses: number): void {
    this.table = table;
    table.begin(losses);
    this.key = -1;
    this.next = 0;
    this.missed = false;
  }

  /** Where the key that is to be expected ends, when it begins at `start`; else -1. */
  matchLength(view: DataView, start: number, end: number): number {
    return this.missed ? -1 : this.table.keys.matchLength(this.next, view, start, end);
  }

  /** Whether the key that is to be expected is in two parts. */
  isInTwo(head: DataView, headEnd: number, view: DataView, start: number, end: number): boolean {
    return this.table.keys.isInTwo(this.next, head, headEnd, view, start, end);
  }

  /** Goes on behind this key. */
  pass(key: number): void {
    this.missed = false;
    // A line may be looked for twice.
    if (key === this.key) return;
    const { skips } = this.table;
    if (key !== this.next && this.key >= 0) skips[this.key] = key - this.key - 1;
    this.key = key;
    this.next = key + 1 + skips[key]!;
  }
}
