/**
 * Exemplars in snapshots: columns behind those of cells, in parts whose cells have any. They are read when the part is made, so
 * they may be newer than the snapshot; records after it bring them again, which changes nothing then.
 */
import type { Label } from '../model/labels.ts';
import { CellKind } from '../store/cells.ts';
import type { Cells } from '../store/cells.ts';
import { broken } from './snapshot-parts.ts';
import type { PartReader } from './snapshot-parts.ts';

type ExemplarColumns = readonly [Float64Array, Float64Array, Float64Array, Uint8Array];

/** Of the cells from `from` up to `to` that are not free by `kind`. */
export function exemplarColumns(
  { exemplars }: Cells,
  kind: Uint8Array,
  from: number,
  to: number,
): ExemplarColumns | [] {
  if (exemplars.size === 0) return [];
  const kept = [];
  for (let cell = from; cell < to; cell += 1) {
    const exemplar = kind[cell] === CellKind.FREE ? undefined : exemplars.get(cell);
    if (exemplar !== undefined) kept.push({ cell, exemplar });
  }
  if (kept.length === 0) return [];
  const labels = kept.map(({ exemplar }) => exemplar.labels.map(({ name, value }) => [name, value]));
  return [
    Float64Array.from(kept, ({ cell }) => cell),
    Float64Array.from(kept, ({ exemplar }) => exemplar.value),
    Float64Array.from(kept, ({ exemplar }) => exemplar.timestampMs),
    Buffer.from(JSON.stringify(labels)),
  ];
}

export function restoreExemplars(part: PartReader, cells: Cells): void {
  if (!part.hasMore) return;
  const numbers = part.numbers();
  const values = part.numbers();
  const times = part.numbers();
  const labels = JSON.parse(Buffer.from(part.bytes()).toString('utf8')) as (readonly [string, string])[][];
  for (const [at, cell] of numbers.entries()) {
    if (!(cell >= part.from && cell < part.from + part.rows) || cells.kind[cell] === CellKind.FREE)
      throw broken(`an exemplar of cell ${cell}`);
    const own = labels[at]!.map(([name, value]): Label => ({ name, value }));
    cells.exemplars.offer(cell, { labels: own, value: values[at]!, timestampMs: times[at]! }, times[at]!);
  }
}
