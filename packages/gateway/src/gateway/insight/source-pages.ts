/** Who pushes, those that pushed last first, a page at a time: the sources by job, and the paths of senders that add as far as they are remembered. */
import type { Label } from '../../model/labels.ts';
import { Ranking } from '../../primitives/ranking.ts';
import { isStart } from '../../sources/source-starts.ts';
import { hashedKey, labelsOfKey } from '../../sources/source-list.ts';
import type { State } from '../../state/state.ts';
import type { Listed } from '../api.ts';
import { Answer, badCursor } from './answer.ts';
import { labelsAsObject } from './family-page.ts';
import type { PathNotes, PushNotes } from './push-notes.ts';

const STEP_SOURCES = 512;
const STEP_KEYS = 64;
const STEP_ENTRIES = 8;
/** Of one source, whose series are counted; those of larger ones are not. */
const COUNTED_MAX = 65_536;

interface SourcePageRequest {
  /** Each is to be found in the path, as `label=value`. */
  readonly parts: readonly string[];
  readonly limit: number;
  readonly after: string | undefined;
}

interface Known {
  readonly state: State;
  readonly notes: PushNotes;
  /** What is to be added to the time of the ledger for that on the wall. */
  readonly wallOffsetMs: number;
  readonly nowMs: number;
}

/** Sources by their numbers, and behind them paths. */
interface Cursor {
  readonly lastMs: number;
  readonly number: number;
}

export function* listSources(known: Known, request: SourcePageRequest): Generator<void, Listed> {
  const { state, notes } = known;
  const { parts, limit } = request;
  const { list } = state.sources;
  const after = request.after === undefined ? undefined : cursorOf(request.after);
  // Of equal times those that come last here are first.
  const newest = new Ranking({ hasValues: true });
  let total = 0;
  const offer = (number: number, lastMs: number): void => {
    total += 1;
    if (after !== undefined && !isAfter({ lastMs, number }, after)) return;
    if (newest.length > limit && -lastMs > newest.highest) return;
    newest.add(-lastMs, number);
    if (newest.length > limit + 1) newest.removeHighest();
  };
  const stepOf = parts.length === 0 ? STEP_SOURCES : STEP_KEYS;
  const { end } = list;
  for (let source = 0; source < end; source += 1) {
    if (source % stepOf === stepOf - 1) yield;
    if (!list.isKnown(source)) continue;
    if (parts.length > 0 && !isFound(textOfKey(list.keyOf(source)), parts)) continue;
    offer(source, list.lastPushMs(source));
  }
  const paths = [...notes.paths()].filter((path) => path.byJob !== true);
  for (const [place, path] of paths.entries()) {
    if (place % STEP_KEYS === STEP_KEYS - 1) yield;
    if (parts.length > 0 && !isFound(textOfKey(path.key), parts)) continue;
    // One that was only refused, by job, may be a source all the same.
    if (path.byJob === undefined && state.sources.has(path.key)) continue;
    offer(end + place, path.lastMs ?? 0);
  }
  const places: Cursor[] = [];
  for (; newest.length > 0; newest.removeHighest())
    places.push({ lastMs: -newest.highest, number: newest.highestValue });
  places.reverse();
  return yield* written(known, places, { paths, end, limit, total });
}

function* written(
  known: Known,
  places: readonly Cursor[],
  how: {
    readonly paths: readonly PathNotes[];
    readonly end: number;
    readonly limit: number;
    readonly total: number;
  },
): Generator<void, Listed> {
  const { paths, end, limit, total } = how;
  const answer = new Answer({}, 'sources');
  let last: Cursor | undefined;
  let isCut = false;
  for (const place of places) {
    const { number } = place;
    const entry = number < end ? yield* sourceEntry(known, number) : pathEntry(known, paths[number - end]!);
    // It may have gone meanwhile.
    if (entry === undefined) continue;
    isCut = answer.count === limit || !answer.add(entry);
    if (isCut) break;
    last = place;
    if (answer.count % STEP_ENTRIES === 0) yield;
  }
  const next = isCut && last !== undefined ? `${last.lastMs}:${last.number}` : undefined;
  return answer.end({ total, next });
}

function isAfter(place: Cursor, cursor: Cursor): boolean {
  return place.lastMs < cursor.lastMs || (place.lastMs === cursor.lastMs && place.number < cursor.number);
}

function cursorOf(after: string): Cursor {
  const [, lastMs = '', number = ''] = /^(\d{1,15}(?:\.\d{1,20})?):(\d{1,10})$/.exec(after) ?? [];
  if (lastMs === '') throw badCursor(after);
  return { lastMs: Number(lastMs), number: Number(number) };
}

function isFound(text: string, parts: readonly string[]): boolean {
  return parts.every((part) => text.includes(part));
}

function textOf(labels: readonly Label[]): string {
  return labels.map(({ name, value }) => `${name}=${value}`).join('\n');
}

function textOfKey(key: string): string {
  const labels = labelsOfKey(key);
  return labels === undefined ? key : textOf(labels);
}

function* sourceEntry(
  { state, notes, wallOffsetMs, nowMs }: Known,
  source: number,
): Generator<void, object | undefined> {
  const { list } = state.sources;
  if (!list.isKnown(source)) return undefined;
  const key = list.keyOf(source);
  const labels = labelsOfKey(key);
  const note = notes.path(key);
  const lastMs = list.lastPushMs(source);
  const { samples, series } = countsOf(state, source);
  if (samples > COUNTED_MAX / STEP_ENTRIES) yield;
  return {
    groupingKey:
      labels === undefined
        ? { [hashedKey.slice(0, -1)]: key.slice(hashedKey.length) }
        : labelsAsObject(labels),
    mode: 'by-job',
    lastPush: (lastMs + wallOffsetMs) / 1000,
    ageSeconds: Math.max(nowMs - lastMs, 0) / 1000,
    samples,
    series,
    pushes: note?.pushes ?? null,
    refused: note?.refused ?? 0,
    token: note?.sender.token ?? null,
    address: note?.sender.address ?? null,
  };
}

/** A histogram is one series. */
function countsOf(
  { sources, accumulators }: State,
  source: number,
): { samples: number; series: number | null } {
  const { contributions } = sources;
  contributions.open(source);
  const { length, accumulatorsAt } = contributions;
  if (length > COUNTED_MAX) return { samples: length, series: null };
  const composites = new Set<number>();
  let samples = 0;
  let series = 0;
  const own = contributions.accumulators;
  for (let i = accumulatorsAt; i < accumulatorsAt + length; i += 1) {
    const accumulator = own[i]!;
    if (isStart(accumulator)) continue;
    samples += 1;
    const composite = accumulators.composite[accumulator]!;
    if (composite < 0) series += 1;
    else composites.add(composite);
  }
  return { samples, series: series + composites.size };
}

function pathEntry({ nowMs, wallOffsetMs }: Known, path: PathNotes): object {
  const { key, lastMs, samples, pushes, refused, sender } = path;
  return {
    groupingKey: labelsAsObject(labelsOfKey(key) ?? []),
    mode: 'add',
    lastPush: lastMs === undefined ? null : (lastMs + wallOffsetMs) / 1000,
    ageSeconds: lastMs === undefined ? null : Math.max(nowMs - lastMs, 0) / 1000,
    samples,
    series: null,
    pushes,
    refused,
    token: sender.token ?? null,
    address: sender.address ?? null,
  };
}
