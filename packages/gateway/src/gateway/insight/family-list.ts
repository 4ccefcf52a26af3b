/** The families, a page at a time. */
import { isDistribution } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import { sortInSteps } from '../../read/sort-in-steps.ts';
import { metricEntryText } from '../../rules/file/entry-text.ts';
import type { Rules } from '../../rules/rules.ts';
import { nameOfMetricRule } from '../../ingest/rewrite/push-rules.ts';
import type { State } from '../../state/state.ts';
import { hasStartTimes, sampleSuffixes } from '../../store/families.ts';
import type { Family } from '../../store/families.ts';
import type { Listed } from '../api.ts';
import type { FamilySort } from '../insight-api.ts';
import { Answer, badCursor } from './answer.ts';
import { isShown } from './shown-value.ts';
import { rateAt } from './history-answer.ts';
import type { History } from './history.ts';
import type { PushNotes } from './push-notes.ts';

const STEP_FAMILIES = 256;
const STEP_ENTRIES = 16;
const RATE_STEPS = 4;
/** Series of a family of which it is looked at how many sources have them. */
const SOURCES_OF_MAX = 16;

interface FamilyListRequest {
  /** Part of the name. */
  readonly parts: readonly string[];
  /** Names of samples that match; undefined is all. */
  readonly names: ReadonlySet<string> | undefined;
  readonly sort: FamilySort;
  readonly limit: number;
  readonly after: string | undefined;
}

interface Known {
  readonly state: State;
  readonly notes: PushNotes;
  /** What is to be added to the time of the ledger for that on the wall. */
  readonly wallOffsetMs: number;
  readonly history: Pick<History, 'pointsOf' | 'changedMs' | 'newestStep'>;
}

interface Entry {
  readonly name: string;
  /** What it is sorted by, the largest first, before its name. */
  readonly rank: number;
}

export function* listFamilies(
  known: Known,
  { parts, names, sort, limit, after }: FamilyListRequest,
): Generator<void, Listed> {
  const found: Entry[] = [];
  const { state, notes } = known;
  const { families } = state;
  const rankOf = (family: Family): number => {
    if (sort === 'series') return family.accumulatorCount;
    if (sort === 'last_change') return lastChangeOf(family.name, known);
    return sort === 'pushes' ? (notes.family(family.name)?.pushes ?? 0) : 0;
  };
  for (let id = 0; id < families.byId.length; id += 1) {
    const family = families.byId[id];
    if (id % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
    if (family === undefined || !isShown(family)) continue;
    const { name } = family;
    if (!parts.every((part) => name.includes(part))) continue;
    if (names !== undefined && !namesOf(family).some((each) => names.has(each))) continue;
    found.push({ name, rank: rankOf(family) });
  }
  const compare = (a: Entry, b: Entry): number =>
    b.rank - a.rank || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const sorted = yield* sortInSteps(found, compare);
  const from = after === undefined ? undefined : entryOf(after);
  const answer = new Answer({}, 'families');
  let last: Entry | undefined;
  let isCut = false;
  for (const entry of sorted) {
    if (from !== undefined && compare(entry, from) <= 0) continue;
    const family = families.find(entry.name);
    // It may have gone meanwhile.
    if (family === undefined) continue;
    isCut = answer.count === limit || !answer.add(familyEntry(family, known));
    if (isCut) break;
    last = entry;
    if (answer.count % STEP_ENTRIES === 0) yield;
  }
  const next = isCut && last !== undefined ? `${last.rank}:${last.name}` : undefined;
  return answer.end({ total: found.length, next });
}

function entryOf(after: string): Entry {
  const [, rank = '', name = ''] = /^(\d+(?:\.\d+)?(?:e\+\d+)?):(.*)$/s.exec(after) ?? [];
  if (rank === '') throw badCursor(after);
  return { name, rank: Number(rank) };
}

function namesOf({ name, type }: Family): readonly string[] {
  return [name, ...sampleSuffixes(type).map((suffix) => name + suffix)];
}

interface FamilyEntry {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
  readonly series: number;
  readonly senders: number;
  readonly pushes: number;
  readonly lastChange: number | null;
  readonly rate: number | null;
}

export function familyEntry(family: Family, { state, notes, history, wallOffsetMs }: Known): FamilyEntry {
  const { name, type, help = '', unit = '', accumulatorCount } = family;
  const note = notes.family(name);
  const lastMs = lastChangeOf(name, { notes, history });
  return {
    name,
    type,
    help,
    unit,
    series: accumulatorCount,
    senders: Math.max(note?.senders.shares.length ?? 0, sourcesOf(family, state)),
    pushes: note?.pushes ?? 0,
    lastChange: lastMs === 0 ? null : (lastMs + wallOffsetMs) / 1000,
    rate: rateOf(family, history),
  };
}

/** 0 where nothing is known. */
function lastChangeOf(name: string, { notes, history }: Pick<Known, 'notes' | 'history'>): number {
  return Math.max(notes.family(name)?.lastMs ?? 0, history.changedMs(name) ?? 0);
}

/** By how much its counters, or counts, grow in a second; over a minute, or what there is of it. */
function rateOf({ name, type }: Family, history: Known['history']): number | null {
  const points = hasStartTimes(type) || isDistribution(type) ? history.pointsOf(name) : undefined;
  for (let steps = RATE_STEPS; points !== undefined && steps > 0; steps -= 1) {
    const rate = rateAt(points, history.newestStep, steps);
    if (rate !== null) return rate;
  }
  return null;
}

/** How many sources have some series of it, at the least. */
function sourcesOf({ sorted, pending, type }: Family, { accumulators }: State): number {
  const rows = sorted.length > 0 ? sorted : pending.between(0, Math.min(pending.length, SOURCES_OF_MAX));
  const isGrouped = sampleSuffixes(type).length > 0;
  let most = 0;
  for (let i = 0; i < Math.min(rows.length, SOURCES_OF_MAX); i += 1) {
    const accumulator = isGrouped ? accumulators.composites[rows[i]!]!.count : rows[i]!;
    if (accumulator >= 0) most = Math.max(most, accumulators.sourcesOf(accumulator));
  }
  return most;
}

/** The rules for metrics that may be about a family, by its name. */
export function rulesFor(
  name: string,
  rules: Rules,
): readonly { readonly index: string; readonly entry: string }[] {
  return rules.metrics
    .filter(({ match }) => match === undefined || match.mayMatch(name))
    .map((rule) => ({ index: nameOfMetricRule(rules, rule), entry: metricEntryText(rule) }));
}
