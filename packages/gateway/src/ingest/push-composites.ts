/** Finds the histogram or summary that a sample belongs to, or begins it. */
import type { Label } from '../model/labels.ts';
import { hasBuckets } from '../model/metric-type.ts';
import type { PlainSeries } from '../model/known-series.ts';
import { seriesText } from '../model/series-text.ts';
import type { Batch, PushFamily } from '../store/batch.ts';
import { checkPending } from './check-limits.ts';
import { NO_COMPOSITE } from '../store/pending-series.ts';
import { textAt } from './plain-reader.ts';
import type { PlainReader } from './plain-reader.ts';
import { checkSeriesLimits } from './sample-kinds.ts';
import type { SeriesAdmission } from './series-admission.ts';
import type { State } from '../state/state.ts';
import { TextScratch } from '../store/text-scratch.ts';
import { AccumulatorKind } from '../store/policies.ts';

/** A group is one of the state, or `~g` for an index into Batch.pendingComposites. */
export class PushComposites {
  readonly #state: State;
  readonly #batch: Batch;
  readonly #plain: PlainReader;
  readonly #admission: SeriesAdmission;
  readonly #scratch: TextScratch;

  constructor(
    state: State,
    batch: Batch,
    { plain, admission }: { readonly plain: PlainReader; readonly admission: SeriesAdmission },
  ) {
    this.#state = state;
    this.#batch = batch;
    this.#plain = plain;
    this.#admission = admission;
    this.#scratch = new TextScratch(state.hashSeed);
  }

  /** The composite series of a plain bucket, count or sum; undefined when it must be parsed. */
  plain(view: DataView, series: PlainSeries, family: PushFamily, kind: AccumulatorKind): number | undefined {
    const { start, nameEnd, end } = series;
    const innerStart = Math.min(nameEnd + 1, end);
    if (kind !== AccumulatorKind.BUCKET) {
      const innerEnd = Math.max(innerStart, end - 1);
      return series.inOrder ? this.#plain.sameComposite(family, view, innerStart, innerEnd) : undefined;
    }
    const innerEnd = Math.max(innerStart, series.lastLe - 1);
    const same = this.#plain.sameComposite(family, view, innerStart, innerEnd);
    if (same !== undefined) return same;
    const inner = textAt(view, innerStart, innerEnd);
    const composite = this.#compositeOf(
      family,
      {
        count: inner === '' ? `${family.name}_count` : `${family.name}_count{${inner}}`,
        infinity: `${family.name}_bucket{${inner}${inner === '' ? '' : ','}le="+Inf"}`,
      },
      start,
    );
    if (composite !== undefined) this.#plain.rememberComposite(family, innerStart, innerEnd, composite);
    return composite;
  }

  /** The composite series of a parsed sample, whose labels are without `le` and `quantile`; undefined for one that may not come. */
  labelled(family: PushFamily, labels: readonly Label[], offset: number): number | undefined {
    const infinity = hasBuckets(family.type)
      ? seriesText(`${family.name}_bucket`, labels, '+Inf')
      : undefined;
    return this.#compositeOf(family, { count: seriesText(`${family.name}_count`, labels), infinity }, offset);
  }

  /** The group whose count and `+Inf` bucket have these texts: known, fresh before, or fresh now. */
  #compositeOf(
    family: PushFamily,
    texts: { readonly count: string; readonly infinity: string | undefined },
    offset: number,
  ): number | undefined {
    const { accumulators } = this.#state;
    const { pendingSeries, pendingComposites } = this.#batch;
    const at = this.#scratch.write(texts.count);
    const known = accumulators.texts.find(at.view, at.start, at.end, at.hash);
    if (
      known >= 0 &&
      accumulators.kindOf(known) === AccumulatorKind.COUNT &&
      accumulators.family[known] === family.known?.id
    ) {
      return accumulators.composite[known]!;
    }
    const before = pendingSeries.texts.find(at.view, at.start, at.end, at.hash);
    // Without a group it is a sample that came before the TYPE line, for which the push will be refused.
    if (before >= 0 && pendingSeries.composite[before] !== NO_COMPOSITE)
      return pendingSeries.composite[before]!;
    if (!this.#admission.admits(family, texts.infinity === undefined ? 1 : 2, offset)) return undefined;
    const composite = ~pendingComposites.length;
    const part = { family: family.index, composite };
    const count = pendingSeries.add(at.view, at.start, at.end, at.hash, {
      ...part,
      kind: AccumulatorKind.COUNT,
      bound: Number.NaN,
    });
    let infinity = -1;
    if (texts.infinity !== undefined) {
      checkSeriesLimits(this.#state.limits, 0, texts.infinity, offset);
      const text = this.#scratch.write(texts.infinity);
      infinity = pendingSeries.add(text.view, text.start, text.end, text.hash, {
        ...part,
        kind: AccumulatorKind.BUCKET,
        bound: Number.POSITIVE_INFINITY,
      });
    }
    pendingComposites.push({ family: family.index, count, infinity });
    checkPending(this.#state, this.#batch, offset);
    return composite;
  }
}
