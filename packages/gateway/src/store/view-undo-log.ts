import type { CellKind } from './cells.ts';
import type { KeptExemplar } from './exemplars.ts';

/** What a note of each kind takes. An exemplar that was replaced lives on for the note alone. */
const START_BYTES = 48;
const EXEMPLAR_BYTES = 400;
const KIND_BYTES = 40;

/**
 * The exemplars, start times and kinds of gauges that have changed since a point in time, as they were then. Few change while a page is written, so
 * that noting these costs less than copying all.
 */
export class ViewUndoLog {
  readonly #starts = new Map<number, number>();
  readonly #exemplars = new Map<number, KeptExemplar | undefined>();

  readonly #kinds = new Map<number, CellKind>();

  get hasExemplars(): boolean {
    return this.#exemplars.size > 0;
  }

  get bytes(): number {
    return (
      this.#starts.size * START_BYTES + this.#exemplars.size * EXEMPLAR_BYTES + this.#kinds.size * KIND_BYTES
    );
  }

  /** To be called before the start of a cell changes. */
  noteStart(cell: number, startMs: number): void {
    if (!this.#starts.has(cell)) this.#starts.set(cell, startMs);
  }

  /** To be called before the exemplar of a cell changes, or goes. */
  noteExemplar(cell: number, exemplar: KeptExemplar | undefined): void {
    if (!this.#exemplars.has(cell)) this.#exemplars.set(cell, exemplar);
  }

  /** To be called before a cell turns from a gauge into a start time, or back. */
  noteKind(cell: number, kind: CellKind): void {
    if (!this.#kinds.has(cell)) this.#kinds.set(cell, kind);
  }

  /** The kind that a cell had, given the one that it has. */
  kindOf(cell: number, now: CellKind): CellKind {
    return this.#kinds.size === 0 ? now : (this.#kinds.get(cell) ?? now);
  }

  /** Undefined where it has not changed. */
  startOf(cell: number): number | undefined {
    return this.#starts.size === 0 ? undefined : this.#starts.get(cell);
  }

  /** The exemplar that a cell had, given the one that it has. */
  exemplarOf(cell: number, now: KeptExemplar | undefined): KeptExemplar | undefined {
    return this.#exemplars.has(cell) ? this.#exemplars.get(cell) : now;
  }
}
