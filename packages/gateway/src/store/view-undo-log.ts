import type { ChangeNotes } from './accumulators.ts';
import type { KeptExemplar } from './exemplars.ts';
import type { ByteTable } from '../primitives/byte-table.ts';
import { AccumulatorKind } from './policies.ts';

/** What a note of each kind takes. An exemplar that was replaced lives on for the note alone. */
const START_BYTES = 48;
const EXEMPLAR_BYTES = 400;
const KIND_BYTES = 40;
const FREED_BYTES = 80;
const BUCKETS_BYTES = 100;
/** And of each bucket in a list that was replaced. */
const BUCKET_BYTES = 8;

/**
 * The exemplars, start times, kinds of gauges and lists of buckets that have changed since a point in time, as they were then. Few change while an
 * exposition is written, so that noting these costs less than copying all.
 */
export class ViewUndoLog implements ChangeNotes {
  readonly #starts = new Map<number, number>();
  readonly #exemplars = new Map<number, KeptExemplar | undefined>();

  readonly #kinds = new Map<number, AccumulatorKind>();
  /** Start times that went, by their canonical text. */
  readonly #freedStarts = new Map<string, number>();
  #freedBytes = 0;
  /** By composite series: its buckets before it lost some. */
  readonly #buckets = new Map<number, readonly number[]>();
  #bucketsBytes = 0;

  get hasExemplars(): boolean {
    return this.#exemplars.size > 0;
  }

  get bytes(): number {
    return (
      this.#starts.size * START_BYTES +
      this.#exemplars.size * EXEMPLAR_BYTES +
      this.#kinds.size * KIND_BYTES +
      this.#freedBytes +
      this.#bucketsBytes
    );
  }

  /** To be called before the start of an accumulator changes. */
  noteStart(accumulator: number, startMs: number): void {
    if (!this.#starts.has(accumulator)) this.#starts.set(accumulator, startMs);
  }

  /** To be called before the exemplar of an accumulator changes, or goes. */
  noteExemplar(accumulator: number, exemplar: KeptExemplar | undefined): void {
    if (!this.#exemplars.has(accumulator)) this.#exemplars.set(accumulator, exemplar);
  }

  /** To be called before an accumulator turns from a gauge into a start time, or back. */
  noteKind(accumulator: number, kind: AccumulatorKind): void {
    if (!this.#kinds.has(accumulator)) this.#kinds.set(accumulator, kind);
  }

  /** To be called before an accumulator goes. Others are not looked up by their text. */
  noteFree(accumulator: number, kind: AccumulatorKind, texts: ByteTable): void {
    if (this.kindOf(accumulator, kind) !== AccumulatorKind.CREATED) return;
    const text = texts.textOf(accumulator);
    // One that came later may have the text of the first.
    if (this.#freedStarts.has(text)) return;
    this.noteKind(accumulator, kind);
    this.#freedStarts.set(text, accumulator);
    this.#freedBytes += FREED_BYTES + text.length;
  }

  /** To be called before a composite series loses buckets. */
  noteBuckets(composite: number, buckets: readonly number[]): void {
    if (this.#buckets.has(composite)) return;
    this.#buckets.set(composite, buckets);
    this.#bucketsBytes += BUCKETS_BYTES + buckets.length * BUCKET_BYTES;
  }

  /** Undefined where none were lost. */
  bucketsOf(composite: number): readonly number[] | undefined {
    return this.#buckets.size === 0 ? undefined : this.#buckets.get(composite);
  }

  get hasFreedStarts(): boolean {
    return this.#freedStarts.size > 0;
  }

  /** The start time with this text, if it went. */
  freedStart(text: string): number | undefined {
    return this.#freedStarts.get(text);
  }

  /** The kind that an accumulator had, given the one that it has. */
  kindOf(accumulator: number, now: AccumulatorKind): AccumulatorKind {
    return this.#kinds.size === 0 ? now : (this.#kinds.get(accumulator) ?? now);
  }

  /** Undefined where it has not changed. */
  startOf(accumulator: number): number | undefined {
    return this.#starts.size === 0 ? undefined : this.#starts.get(accumulator);
  }

  /** The exemplar that an accumulator had, given the one that it has. */
  exemplarOf(accumulator: number, now: KeptExemplar | undefined): KeptExemplar | undefined {
    return this.#exemplars.has(accumulator) ? this.#exemplars.get(accumulator) : now;
  }
}
