/** Exemplars in snapshots: columns behind those of accumulators, in parts whose accumulators have any. */
import type { Label } from '../model/labels.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { ViewUndoLog } from '../store/view-undo-log.ts';
import { broken } from './parts.ts';
import type { PartReader } from './parts.ts';
import { AccumulatorKind } from '../store/policies.ts';

type ExemplarColumns = readonly [Float64Array, Float64Array, Float64Array, Uint8Array];

/** Of the accumulators from `from` up to `to` that are not free by `kind`. */
export function exemplarColumns(
  { exemplars }: Accumulators,
  { kind, undoLog }: { readonly kind: Uint8Array; readonly undoLog: ViewUndoLog },
  from: number,
  to: number,
): ExemplarColumns | [] {
  if (exemplars.size === 0 && !undoLog.hasExemplars) return [];
  const kept = [];
  for (let accumulator = from; accumulator < to; accumulator += 1) {
    if (kind[accumulator] === AccumulatorKind.FREE) continue;
    const exemplar = undoLog.exemplarOf(accumulator, exemplars.get(accumulator));
    if (exemplar !== undefined) kept.push({ accumulator, exemplar });
  }
  if (kept.length === 0) return [];
  const labels = kept.map(({ exemplar }) => exemplar.labels.map(({ name, value }) => [name, value]));
  return [
    Float64Array.from(kept, ({ accumulator }) => accumulator),
    Float64Array.from(kept, ({ exemplar }) => exemplar.value),
    Float64Array.from(kept, ({ exemplar }) => exemplar.timestampMs),
    Buffer.from(JSON.stringify(labels)),
  ];
}

export function readExemplars(part: PartReader, accumulators: Accumulators): void {
  if (!part.hasMore) return;
  const numbers = part.numbers();
  const values = part.numbers();
  const times = part.numbers();
  const labels = JSON.parse(Buffer.from(part.bytes()).toString('utf8')) as (readonly [string, string])[][];
  for (const [at, accumulator] of numbers.entries()) {
    if (
      !(accumulator >= part.from && accumulator < part.from + part.rows) ||
      accumulators.kind[accumulator] === AccumulatorKind.FREE
    )
      throw broken(`an exemplar of accumulator ${accumulator}`);
    const own = labels[at]!.map(([name, value]): Label => ({ name, value }));
    accumulators.exemplars.offer(
      accumulator,
      { labels: own, value: values[at]!, timestampMs: times[at]! },
      times[at]!,
    );
  }
}
