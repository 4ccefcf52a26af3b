/**
 * Who makes up the numbers of some series. By job each source has its part, which is there to be read. Of what senders added the sketch of the family knows
 * who added the most to any of its series since the start, and the ring of recent pushes who added to this one lately.
 */
import { formatFloat64 } from '../../primitives/float.ts';
import { shorten } from '../../primitives/quote.ts';
import { Ranking } from '../../primitives/ranking.ts';
import { parseSeriesText } from '../../model/series-text.ts';
import { labelsOfKey } from '../../sources/source-list.ts';
import type { State } from '../../state/state.ts';
import { AccumulatorKind } from '../../store/policies.ts';
import { Answer } from './answer.ts';
import { labelsAsObject } from './family-page.ts';
import { labelPath } from './path-of-key.ts';
import type { PushNotes } from './push-notes.ts';
import { largestOf } from './recent-parts.ts';
import type { Recent } from './recent-parts.ts';
import { sendersOf, shownSenders } from './senders.ts';
import type { ShownSender } from './senders.ts';
import { shownValue } from './shown-value.ts';
import type { InsightAnswer } from '../insight-api.ts';

/** Sources of one series that are shown. */
const SHOWN_MAX = 100;
/** Contributions looked at in one step. */
const STEP_CONTRIBUTIONS = 4096;
const STEP_SOURCES = 64;

interface Known {
  readonly state: State;
  readonly notes: PushNotes;
  readonly wallOffsetMs: number;
}

/** A series, and who has what of it. */
interface Explained {
  /** What names it: of a histogram or summary its count. */
  readonly accumulator: number;
  readonly family: string;
  readonly largest: Ranking;
  readonly shares: Map<number, number>;
  sources: number;
  /** Of all sources. */
  sum: number;
}

/** `named` name series; the state must hold their numbers. */
export function* explain(
  known: Known,
  named: readonly number[],
  { hasMore }: { readonly hasMore: boolean },
): Generator<void, InsightAnswer> {
  const { state } = known;
  const explained = named.map((accumulator): Explained => {
    const family = state.families.get(state.accumulators.family[accumulator]!).name;
    return {
      accumulator,
      family,
      largest: new Ranking({ hasValues: true }),
      shares: new Map(),
      sources: 0,
      sum: 0,
    };
  });
  if (state.sources.size > 0) yield* lookAtSources(state, explained);
  const hashes = new Set(named.map((accumulator) => state.accumulators.texts.hashOf(accumulator)));
  const recent = yield* known.notes.recent.find(hashes);
  const answer = new Answer({}, 'series');
  let isExact = true;
  for (const each of explained) {
    if (state.accumulators.kindOf(each.accumulator) === AccumulatorKind.FREE) continue;
    const entry = entryOf(known, each, recent);
    isExact &&= entry.exact;
    if (!answer.add(entry)) break;
    yield;
  }
  return answer.end({ exact: isExact, more: hasMore });
}

function* lookAtSources(state: State, explained: readonly Explained[]): Generator<void, void> {
  const { list, contributions } = state.sources;
  const wanted = new Map<number, Explained>();
  for (const each of explained) for (const part of partsOf(state, each.accumulator)) wanted.set(part, each);
  const { end } = list;
  let looked = 0;
  for (let source = 0; source < end; source += 1) {
    looked += STEP_CONTRIBUTIONS / STEP_SOURCES;
    if (list.isKnown(source)) {
      const length = contributions.lengthOf(source);
      for (let from = 0; from < length; from += STEP_CONTRIBUTIONS) {
        // What it has may have changed meanwhile.
        if (from > 0) yield;
        if (!list.isKnown(source) || contributions.lengthOf(source) !== length) break;
        contributions.open(source);
        const { accumulators: own, accumulatorsAt, values, valuesAt } = contributions;
        const to = Math.min(from + STEP_CONTRIBUTIONS, length);
        for (let i = from; i < to; i += 1) {
          const each = wanted.get(own[accumulatorsAt + i]!);
          if (each !== undefined) addShare(each, source, values[valuesAt + i]!);
        }
      }
      looked += length;
    }
    if (looked >= STEP_CONTRIBUTIONS) {
      looked = 0;
      for (const each of explained) settle(each);
      yield;
    }
  }
  for (const each of explained) settle(each);
}

/** The accumulators of which a series is the sum: of a histogram its buckets. */
function partsOf({ accumulators }: State, accumulator: number): readonly number[] {
  if (accumulators.kindOf(accumulator) !== AccumulatorKind.COUNT) return [accumulator];
  const { buckets } = accumulators.composites[accumulators.composite[accumulator]!]!;
  return buckets.length > 0 ? buckets : [accumulator];
}

/** A source may come several times, for the buckets of a histogram. */
function addShare({ shares }: Explained, source: number, value: number): void {
  shares.set(source, (shares.get(source) ?? 0) + value);
}

/** Keeps the largest of the shares that were added since. */
function settle(each: Explained): void {
  const { largest, shares } = each;
  for (const [source, share] of shares) {
    each.sources += 1;
    each.sum += share;
    largest.add(-Math.abs(share), source + (share < 0 ? NEGATIVE : 0));
    if (largest.length > SHOWN_MAX) largest.removeHighest();
  }
  shares.clear();
}

/** Added to the number of a source whose share is below zero. */
const NEGATIVE = 2 ** 40;

interface Entry {
  readonly labels: object;
  readonly family: string;
  readonly value: string;
  readonly mode: 'by-job' | 'add' | 'mixed';
  readonly since: number | null;
  readonly error: number;
  /** Not sampled. */
  readonly exact: boolean;
  readonly senders: readonly ShownSender[];
  readonly sources: number;
  readonly others: number;
  readonly added: object | null;
  readonly recent: RecentSenders | null;
}

/** Who added to one series since some time: in the last hour, or while its family was watched. */
interface RecentSenders {
  readonly senders: readonly ShownSender[];
  readonly others: number;
  readonly since: number | null;
  readonly until: number | null;
  readonly exact: boolean;
}

function entryOf(known: Known, each: Explained, recent: Recent): Entry {
  const { state, notes, wallOffsetMs } = known;
  const { accumulator, family, sources, sum } = each;
  const { accumulators } = state;
  const { labels } = parseSeriesText(accumulators.textOf(accumulator));
  const hasAdded = sources === 0 || accumulators.common.has(accumulator);
  const note = notes.family(family);
  const senders = shownSources(known, each);
  const sketch = note?.watched?.all ?? note?.senders;
  const until = note?.watchedUntilMs === undefined ? null : (note.watchedUntilMs + wallOffsetMs) / 1000;
  const added = {
    senders: sendersOf(note, wallOffsetMs),
    since: sketch === undefined ? null : (sketch.sinceMs + wallOffsetMs) / 1000,
    until,
    error: sketch?.error ?? 0,
  };
  const shown = senders.reduce((total, { share }) => total + share, 0);
  const isAdded = sources === 0;
  return {
    labels: labelsAsObject(labels),
    family,
    value: formatFloat64(shownValue(state, accumulator)),
    mode: isAdded ? 'add' : hasAdded ? 'mixed' : 'by-job',
    since: isAdded ? added.since : null,
    error: hasAdded ? added.error : 0,
    exact: !hasAdded || (note?.watched !== undefined && added.error === 0),
    senders: isAdded ? added.senders : senders,
    sources,
    others: sources > senders.length ? sum - shown : 0,
    added: hasAdded && !isAdded ? added : null,
    recent: hasAdded ? recentOf(known, each, { recent, until }) : null,
  };
}

/** Who added to this very series. */
function recentOf(
  { state, notes, wallOffsetMs }: Known,
  { accumulator, family }: Explained,
  { recent, until }: { readonly recent: Recent; readonly until: number | null },
): RecentSenders {
  const hash = state.accumulators.texts.hashOf(accumulator);
  const watched = notes.family(family)?.watched?.bySeries.get(hash);
  const { bySeries, sinceMs } = recent;
  const largest = watched === undefined ? bySeries.get(hash) : largestOf(watched.shares);
  const since = watched?.sinceMs ?? sinceMs;
  return {
    senders: shownSenders(largest?.shares ?? [], wallOffsetMs),
    others: largest?.others ?? 0,
    since: since === undefined ? null : (since + wallOffsetMs) / 1000,
    until: watched === undefined ? null : until,
    exact: watched === undefined ? recent.isExact : watched.error === 0,
  };
}

function shownSources({ state, notes, wallOffsetMs }: Known, { largest }: Explained): readonly ShownSender[] {
  const { list } = state.sources;
  const shown: ShownSender[] = [];
  for (; largest.length > 0; largest.removeHighest()) {
    const isNegative = largest.highestValue >= NEGATIVE;
    const source = largest.highestValue - (isNegative ? NEGATIVE : 0);
    if (!list.isKnown(source)) continue;
    const key = list.keyOf(source);
    const note = notes.path(key);
    const path = shorten(labelPathOf(key));
    const { token = null, address = null } = note?.sender ?? {};
    const pushes = note?.pushes ?? null;
    const lastPush = (list.lastPushMs(source) + wallOffsetMs) / 1000;
    shown.push({
      path,
      token,
      address,
      share: isNegative ? largest.highest : -largest.highest,
      error: 0,
      pushes,
      lastPush,
    });
  }
  return shown.reverse();
}

function labelPathOf(key: string): string {
  const labels = labelsOfKey(key);
  return labels === undefined ? key : labelPath(labels);
}
