/** Bounds of what is kept, as far as they concern a push as a whole. */
import { PushProblem } from '../model/errors.ts';
import type { Batch } from './batch.ts';
import type { State } from './state.ts';

/** Throws a PushProblem when the batch would bring more than may be held. Buckets of one histogram are counted by HistogramSettler. */
export function checkLimits({ cells, families, limits }: State, batch: Batch): void {
  if (batch.fresh.length === 0 && batch.families.length === 0) return;
  const { seriesMax, familiesMax } = limits;
  if (batch.fresh.length > 0 && cells.size + batch.fresh.length > seriesMax) {
    throw new PushProblem(
      'series_limit',
      `the push brings ${batch.fresh.length} new series; the gateway holds ${cells.size} of at most ${seriesMax} (--limit.series)`,
      0,
    );
  }
  const added = batch.families.filter((family) => family.known === undefined && family.sampled).length;
  if (added > 0 && families.size + added > familiesMax) {
    throw new PushProblem(
      'families_limit',
      `the push brings ${added} new families; the gateway holds ${families.size} of at most ${familiesMax} (--limit.families)`,
      0,
    );
  }
}
