/** What a push brings to each of its series: what is added, or of a histogram or summary the observations. */
import type { State } from '../../state/state.ts';
import type { Batch } from '../../store/batch.ts';
import { NO_COMPOSITE } from '../../store/pending-series.ts';
import { AccumulatorKind } from '../../store/policies.ts';

/** `series` is the hash of its text, of a histogram or summary of that of its count: its number may be that of another one before long. */
type Take = (series: number, value: number, family: string | undefined) => void;

/** Of so many entries of the batch from one on; of those behind the end, from the beginning. To be called before the push is applied. */
export function forBroughtSeries(
  batch: Batch,
  { accumulators, families }: State,
  { from, count, take }: { readonly from: number; readonly count: number; readonly take: Take },
): void {
  const { pendingSeries, pendingComposites } = batch;
  /** What of a histogram stands together: its buckets, or else the count. */
  let open: { readonly named: number; readonly composite: number; value: number; counts: number } | undefined;
  const familyOf = (named: number): string | undefined =>
    named < 0
      ? batch.families[pendingSeries.family[~named]!]!.name
      : families.byId[accumulators.family[named]!]?.name;
  const hashOf = (named: number): number =>
    named < 0 ? pendingSeries.texts.hashOf(~named) : accumulators.texts.hashOf(named);
  const close = (): void => {
    if (open !== undefined) take(hashOf(open.named), Math.max(open.value, open.counts), familyOf(open.named));
    open = undefined;
  };
  for (let i = 0; i < count; i += 1) {
    const entry = (from + i) % batch.length;
    const named = batch.accumulators[entry]!;
    const value = Math.abs(batch.values[entry]!);
    const kind = named < 0 ? pendingSeries.kind[~named]! : accumulators.kind[named]!;
    // Neither what says nothing nor what would drown all else.
    if (!Number.isFinite(value) || kind === AccumulatorKind.CREATED) continue;
    const composite = named < 0 ? pendingSeries.composite[~named]! : accumulators.composite[named]!;
    const isAlone = named < 0 ? composite === NO_COMPOSITE : composite < 0;
    if (isAlone) {
      close();
      take(hashOf(named), value, familyOf(named));
      continue;
    }
    if (open?.composite !== composite) {
      close();
      const ofNew = composite < 0 ? ~pendingComposites[~composite]!.count : undefined;
      open = { named: ofNew ?? accumulators.composites[composite]!.count, composite, value: 0, counts: 0 };
    }
    if (kind === AccumulatorKind.COUNT) open.counts += value;
    else if (kind !== AccumulatorKind.SUM) open.value += value;
  }
  close();
}
