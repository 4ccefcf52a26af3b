/** Which series expire: when each was named is noted with each push, and from that it follows when nobody has named it for its ttl. */
import { isDistribution } from '../model/metric-type.ts';
import { rowsOfRules } from '../primitives/pace.ts';
import type { Pace } from '../primitives/pace.ts';
import type { Accumulators } from '../store/accumulators.ts';
import type { Sources } from '../sources/sources.ts';
import type { Batch } from '../store/batch.ts';
import type { Families, Family } from '../store/families.ts';
import { LastNamed } from '../store/last-named.ts';
import { AccumulatorKind } from '../store/policies.ts';
import { TtlRules } from '../store/ttl-rules.ts';
import { namesSeries } from './drop-series.ts';

interface TimedState {
  readonly accumulators: Accumulators;
  readonly families: Families;
}

interface ExpiringState extends TimedState {
  readonly sources: Sources;
  readonly pace: Pace;
}

interface Naming {
  readonly state: ExpiringState;
  /** The ledger's time. */
  readonly nowMs: number;
}

/** Notes that a push names the series of a batch. It is applied, and may have taken some of them away. Returns the steps that are left. */
export function noteNamed(
  batch: Batch,
  lastNamed: LastNamed,
  { state, nowMs }: Naming,
): Generator<void, void> | undefined {
  const { length, families } = batch;
  if (length > state.pace.rows || families.length > 0) return noteLong(batch, lastNamed, { state, nowMs });
  notePart(batch, 0, length, { lastNamed, state, nowMs });
  return undefined;
}

function* noteLong(batch: Batch, lastNamed: LastNamed, { state, nowMs }: Naming): Generator<void, void> {
  const { pace } = state;
  for (let from = 0; from < batch.length; from += pace.rows) {
    const to = Math.min(from + pace.rows, batch.length);
    notePart(batch, from, to, { lastNamed, state, nowMs });
    if (to < batch.length && pace.isFull(to - from)) yield;
  }
  // Histograms that were untyped samples before are named with their family.
  for (const { known, adopts } of batch.families)
    if (adopts && known !== undefined) yield* noteAll(known, lastNamed, { state, nowMs });
}

function notePart(
  { accumulators: named, sender }: Batch,
  from: number,
  to: number,
  { lastNamed, state, nowMs }: Naming & { readonly lastNamed: LastNamed },
): void {
  const { kind, composite, composites, family, common } = state.accumulators;
  const adds = common.size > 0 && !sender.byJob;
  let [compositeBefore, familyBefore, mayExpire] = [-1, -1, false];
  for (let i = from; i < to; i += 1) {
    const accumulator = named[i]!;
    const is = kind[accumulator]!;
    if (family[accumulator] !== familyBefore) {
      familyBefore = family[accumulator]!;
      const known = state.families.byId[familyBefore];
      mayExpire = known !== undefined && mayExpireOf(known, lastNamed.rules);
    }
    if (!mayExpire || is === AccumulatorKind.FREE || is === AccumulatorKind.CREATED) continue;
    const of = composite[accumulator]!;
    if (of >= 0 && of === compositeBefore) continue;
    compositeBefore = of;
    const naming = of < 0 ? accumulator : composites[of]!.count;
    lastNamed.set(naming, nowMs);
    if (adds) state.sources.common.noteNamed(naming, nowMs);
  }
}

/** Notes it of all series of a family that are not noted. */
function* noteAll(family: Family, lastNamed: LastNamed, { state, nowMs }: Naming): Generator<void, void> {
  const { composites } = state.accumulators;
  if (!isDistribution(family.type) || !mayExpireOf(family, lastNamed.rules)) return;
  for (const rows of [family.sorted, family.pending.between(0, family.pending.length)]) {
    for (const row of rows) {
      const { count } = composites[row]!;
      if (lastNamed.timeMsOf(count) === 0 && namesSeries(state.accumulators, count)) {
        lastNamed.set(count, nowMs);
        state.sources.common.noteNamed(count, nowMs);
      }
      if (state.pace.isFull(1)) yield;
    }
  }
}

function mayExpireOf(family: Family, rules: TtlRules): boolean {
  return (family.mayExpire ??= rules.mayExpire(family.name));
}

/** Has series expire by other rules, as AggregationConfig.metricRules has them. What nothing is known of is as if it had been named now. */
export function* followTtlRules(
  metricRules: string | undefined,
  { state, nowMs }: Naming,
): Generator<void, void> {
  const { accumulators, families, sources, pace } = state;
  const rules = yield* TtlRules.parseInSteps(metricRules, pace);
  if (rules.shortestMs === Number.POSITIVE_INFINITY) {
    accumulators.lastNamed = undefined;
    accumulators.common.named = undefined;
    sources.leftOut.clear();
    return;
  }
  const lastNamed = (accumulators.lastNamed ??= new LastNamed(rules));
  lastNamed.follow(rules);
  const ofCommon = (accumulators.common.named ??= new LastNamed(rules));
  for (const family of families) {
    family.mayExpire = rules.mayExpire(family.name);
    if (pace.isFull(1 + rowsOfRules(rules.sizeFor(family.name)))) yield;
  }
  for (let accumulator = 0; accumulator < accumulators.texts.high; accumulator += 1) {
    if (pace.isFull(1)) yield;
    const isNoted = lastNamed.timeMsOf(accumulator) > 0;
    const mayExpire =
      namesSeries(accumulators, accumulator) &&
      accumulators.kind[accumulator] !== AccumulatorKind.CREATED &&
      families.get(accumulators.family[accumulator]!).mayExpire === true;
    if (!mayExpire) {
      lastNamed.delete(accumulator);
      ofCommon.delete(accumulator);
      continue;
    }
    if (!isNoted) lastNamed.set(accumulator, nowMs);
    if (ofCommon.timeMsOf(accumulator) === 0) sources.common.noteNamed(accumulator, nowMs);
  }
}

/** When a series expires that was named at these times, by the accumulator that stands for it; Infinity where it never does. */
export function expiresAtMs(state: TimedState, accumulator: number, times: LastNamed): number {
  const namedMs = times.timeMsOf(accumulator);
  return namedMs === 0 ? Number.POSITIVE_INFINITY : namedMs + ttlMsOf(state, accumulator);
}

/** The ttl of a series that may expire, by the accumulator that names it; Infinity where it never does. */
export function ttlMsOf({ accumulators, families }: TimedState, accumulator: number): number {
  const lastNamed = accumulators.lastNamed!;
  let ttlMs = lastNamed.knownTtlMs(accumulator);
  if (ttlMs === undefined) {
    const { name } = families.get(accumulators.family[accumulator]!);
    ttlMs = lastNamed.rules.ttlMsOf(name, accumulators.textOf(accumulator));
    lastNamed.noteTtl(accumulator, ttlMs);
  }
  return ttlMs === 0 ? Number.POSITIVE_INFINITY : ttlMs;
}
