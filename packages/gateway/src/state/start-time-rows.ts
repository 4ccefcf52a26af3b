/**
 * Start times that were pushed as gauges `x_created`: each goes with the last series that it is of. No source has a part of one, so nobody
 * takes it back.
 */
import { textWithLabels, writtenLabels } from '../model/series-text.ts';
import type { Accumulators } from '../store/accumulators.ts';
import { hasStartTimes, startedName, startTimesName, startTimesOf } from '../store/families.ts';
import type { Families } from '../store/families.ts';
import { AccumulatorKind } from '../store/policies.ts';
import { TextScratch } from '../store/text-scratch.ts';

export class StartTimeRows {
  readonly #accumulators: Accumulators;
  readonly #families: Families;
  readonly #scratch: TextScratch;
  /** Of series that have gone since these were last taken. */
  readonly #left = new Set<number>();

  constructor(accumulators: Accumulators, families: Families, hashSeed: number) {
    this.#accumulators = accumulators;
    this.#families = families;
    this.#scratch = new TextScratch(hashSeed);
  }

  /** To be called with the counter, or the count, of a series before it goes; with what has no start time nothing happens. */
  seriesGoes(accumulator: number): void {
    const family = this.#families.get(this.#accumulators.family[accumulator]!);
    if (!hasStartTimes(family.type)) return;
    const created = this.#families.find(startTimesName(family.name));
    if (created === undefined || created.startTimeRows === 0) return;
    const labels = writtenLabels(this.#accumulators.textOf(accumulator), startedName(family));
    const row = this.#find(created.name, labels);
    if (row >= 0 && this.#accumulators.kind[row] === AccumulatorKind.CREATED) this.#left.add(row);
  }

  get mayGo(): boolean {
    return this.#left.size > 0;
  }

  /** The rows of which no series is left, each when it is asked for, by their numbers. */
  *takeThoseThatGo(): Generator<number, void> {
    const rows = Uint32Array.from(this.#left).sort();
    this.#left.clear();
    for (const row of rows) {
      // The change by which its series went may have made it a gauge.
      if (this.#accumulators.kind[row] === AccumulatorKind.CREATED && !this.#hasSeries(row)) yield row;
    }
  }

  #hasSeries(row: number): boolean {
    const { name } = this.#families.get(this.#accumulators.family[row]!);
    const labels = writtenLabels(this.#accumulators.textOf(row), name);
    return startTimesOf(name).some((owner) => {
      const family = this.#families.find(owner);
      if (family === undefined || !hasStartTimes(family.type)) return false;
      // Nothing of it is kept but its type, so it may have any series.
      return family.discarded || this.#find(startedName(family), labels) >= 0;
    });
  }

  #find(name: string, labels: string): number {
    const { view, start, end, hash } = this.#scratch.write(textWithLabels(name, labels));
    return this.#accumulators.texts.find(view, start, end, hash);
  }
}
