/**
 * The rows of a stateset metric by metric. Rows come in the order of their text, in which the states of several metrics
 * interleave where a label sorts after the one that names the state; OpenMetrics wants each metric in one piece.
 */
import type { SeriesView } from '../../model/read-view.ts';
import { viewOf } from '../../primitives/bytes.ts';
import { hashBytes } from '../../primitives/hash.ts';
import { LabelNames, valueEnd } from '../label-names.ts';

/** Rows moved in one step. */
const STEP_ROWS = 4096;
/** Any two that differ. */
const SEEDS = [0x1b873593, 0x2545f491] as const;

export class StateOrder {
  /** The label that names the state, as it is spelled in rows, in Latin-1. */
  readonly #label: string;
  readonly #names = new LabelNames();
  /** Metrics by a hash of their labels, in the order of their first rows. Those that share a hash interleave, which is unlikely. */
  readonly #metrics = new Map<number, number>();
  readonly #metricOfRow: number[] = [];
  #interleaves = false;

  constructor(label: string) {
    this.#label = label;
  }

  /** Takes the next row. False when none of its labels names a state. */
  add({ bytes, labelsStart, labelsEnd }: SeriesView): boolean {
    const found = this.#findLabel(bytes, labelsStart, labelsEnd);
    if (found === undefined) return false;
    const view = viewOf(bytes);
    const [low, high] = SEEDS.map(
      (seed) =>
        hashBytes(seed, view, labelsStart, found.start) ^ hashBytes(~seed, view, found.end, labelsEnd),
    ) as [number, number];
    const key = (high >>> 11) * 2 ** 32 + (low >>> 0);
    const metric = this.#metrics.get(key) ?? this.#metrics.size;
    this.#metrics.set(key, metric);
    if (metric < (this.#metricOfRow.at(-1) ?? 0)) this.#interleaves = true;
    this.#metricOfRow.push(metric);
    return true;
  }

  /** The numbers of all rows, metric by metric; undefined when they are in that order already. */
  *order(): Generator<void, Uint32Array | undefined> {
    if (!this.#interleaves) return undefined;
    const rows = this.#metricOfRow;
    const next = new Uint32Array(this.#metrics.size + 1);
    for (const [row, metric] of rows.entries()) {
      next[metric + 1]! += 1;
      if (row % STEP_ROWS === STEP_ROWS - 1) yield;
    }
    for (let metric = 1; metric < next.length; metric += 1) next[metric]! += next[metric - 1]!;
    yield;
    const order = new Uint32Array(rows.length);
    for (const [row, metric] of rows.entries()) {
      order[next[metric]!] = row;
      next[metric]! += 1;
      if (row % STEP_ROWS === STEP_ROWS - 1) yield;
    }
    return order;
  }

  #findLabel(
    bytes: Uint8Array,
    labelsStart: number,
    labelsEnd: number,
  ): { readonly start: number; readonly end: number } | undefined {
    for (let start = labelsStart, place = 0; start < labelsEnd; place += 1) {
      const name = this.#names.at(bytes, start, place);
      const end = valueEnd(bytes, start + this.#names.bytesOf(name)) + 1;
      if (this.#names.spelled[name] === this.#label) return { start, end: Math.min(end, labelsEnd) };
      start = end;
    }
    return undefined;
  }
}
