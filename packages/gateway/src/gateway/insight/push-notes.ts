/** What is remembered of families and of paths from the pushes that were looked at, and from those that were refused. The oldest is forgotten first. */
import { RequestError } from '../../model/errors.ts';
import { flatText } from '../../primitives/flat-text.ts';
import { shorten } from '../../primitives/quote.ts';
import type { State } from '../../state/state.ts';
import type { Batch } from '../../store/batch.ts';
import { AccumulatorKind } from '../../store/policies.ts';
import type { Pusher } from '../insight-api.ts';
import { forBroughtSeries } from './brought-series.ts';
import { labelPath } from './path-of-key.ts';
import { RecentPartsRing } from './recent-parts.ts';
import { Places, SENDERS_MAX, SenderSketch } from './sender-sketch.ts';
import type { Sender } from './sender-sketch.ts';

const FAMILIES_MAX = 4096;
const PATHS_MAX = 4096;
/** Of all families together. */
const PLACES_MAX = 1024 * SENDERS_MAX;
/** Entries of a push that are looked at. */
const LOOKED_AT_MAX = 8192;
/** Longer paths are not remembered. */
const KEY_CHARS_MAX = 1024;
/** While a family is watched: so many senders are told apart, and of each of its series so many, as long as there are not too many of both. */
const WATCHED_SENDERS_MAX = 512;
const WATCHED_SENDERS_OF_SERIES_MAX = 64;
const WATCHED_PARTS_MAX = 4096;
const WATCHED_MAX = 8;
/** For so long after that it is known what was counted. */
const KEPT_MS = 300_000;

interface FamilyNotes {
  /** About, since it is remembered. */
  pushes: number;
  lastMs: number;
  readonly senders: SenderSketch;
  /** Exact, of the time in which it is or was watched. */
  watched: WatchedSenders | undefined;
  watchedUntilMs: number | undefined;
  /** It was touched lately. */
  isNew: boolean;
}

interface WatchedSenders {
  readonly all: SenderSketch;
  /** By the hashes of their texts. */
  readonly bySeries: Map<number, SenderSketch>;
  /** Of all series. */
  readonly places: Places;
}

export interface PathNotes {
  /** See GroupingKey.text; the labels of a key may be parts of something longer. */
  readonly key: string;
  byJob: boolean | undefined;
  lastMs: number | undefined;
  pushes: number;
  /** Of the last push. */
  samples: number;
  refused: number;
  /** When the last was. */
  refusedMs: number | undefined;
  /** Who pushed last. */
  sender: Sender;
  /** It was touched lately. */
  isNew: boolean;
}

/** What a push brings to one family. */
interface Brought {
  value: number;
  counts: number;
}

export class PushNotes {
  readonly #families = new Map<string, FamilyNotes>();
  readonly #paths = new Map<string, PathNotes>();
  readonly #places = new Places(PLACES_MAX);
  /** Names of families. */
  readonly #watched = new Set<string>();
  readonly recent: RecentPartsRing;

  /** Milliseconds that never go back. */
  constructor(now: () => number) {
    this.recent = new RecentPartsRing(now);
  }

  family(name: string): FamilyNotes | undefined {
    return this.#families.get(name);
  }

  path(key: string): PathNotes | undefined {
    return this.#paths.get(key);
  }

  paths(): Iterable<PathNotes> {
    return this.#paths.values();
  }

  /** To be called before the push is applied; it stands for `weight` pushes. */
  pushed(
    pusher: Pusher,
    batch: Batch,
    { state, weight, nowMs }: { readonly state: State; readonly weight: number; readonly nowMs: number },
  ): void {
    const { key } = pusher;
    const known = this.#paths.get(key.text);
    const sender = senderOf(pusher, known?.sender);
    let isWatched = false;
    for (const [name, { value, counts }] of broughtBy(batch, state)) {
      const notes = this.#note(name, nowMs);
      notes.pushes += weight;
      notes.lastMs = nowMs;
      if (batch.sender.byJob) continue;
      const brought = Math.max(value, counts);
      notes.senders.add(sender, { value: brought * weight, pushes: weight, nowMs });
      if (nowMs >= (notes.watchedUntilMs ?? 0)) continue;
      notes.watched?.all.add(sender, { value: brought, pushes: 1, nowMs });
      isWatched = true;
    }
    if (!batch.sender.byJob) this.recent.pushed(sender, batch, { state, weight, nowMs });
    if (isWatched) this.#noteWatched(sender, batch, { state, nowMs });
    const path = known ?? this.#addPath(key.text, sender);
    if (path === undefined) return;
    path.byJob = batch.sender.byJob;
    path.lastMs = nowMs;
    path.pushes += weight;
    path.samples = batch.samples;
    path.sender = sender;
    path.isNew = true;
  }

  #noteWatched(
    sender: Sender,
    batch: Batch,
    { state, nowMs }: { readonly state: State; readonly nowMs: number },
  ): void {
    const take = (series: number, value: number, family = ''): void => {
      const notes = this.#families.get(family);
      if (notes?.watched === undefined || nowMs >= (notes.watchedUntilMs ?? 0)) return;
      const { all, bySeries, places } = notes.watched;
      let sketch = bySeries.get(series);
      if (sketch === undefined) {
        // One that begins later is none that is exact.
        if (places.isEmpty) return;
        sketch = new SenderSketch(all.sinceMs, places, WATCHED_SENDERS_OF_SERIES_MAX);
        bySeries.set(series, sketch);
      }
      sketch.add(sender, { value, pushes: 1, nowMs });
    };
    forBroughtSeries(batch, state, { from: 0, count: Math.min(batch.length, LOOKED_AT_MAX), take });
  }

  refused(pusher: Pusher, nowMs: number): void {
    const { text } = pusher.key;
    const path = this.#paths.get(text) ?? this.#addPath(text, senderOf(pusher, undefined));
    if (path === undefined) return;
    path.refused += 1;
    path.refusedMs = nowMs;
    path.isNew = true;
  }

  /** Undefined where it is too long. */
  #addPath(key: string, sender: Sender): PathNotes | undefined {
    if (key.length > KEY_CHARS_MAX) return undefined;
    if (this.#paths.size >= PATHS_MAX) this.#paths.delete(oldestOf(this.#paths));
    const path: PathNotes = {
      key,
      byJob: undefined,
      lastMs: undefined,
      pushes: 0,
      samples: 0,
      refused: 0,
      refusedMs: undefined,
      sender,
      isNew: true,
    };
    this.#paths.set(key, path);
    return path;
  }

  /** Counts exactly who adds to a family, from now on until then. Throws RequestError. */
  watch(name: string, nowMs: number, untilMs: number): void {
    for (const each of this.#watched) {
      const known = this.#families.get(each);
      if (known !== undefined && nowMs < (known.watchedUntilMs ?? 0) + KEPT_MS) continue;
      if (known !== undefined) [known.watched, known.watchedUntilMs] = [undefined, undefined];
      this.#watched.delete(each);
    }
    if (this.#watched.size >= WATCHED_MAX && !this.#watched.has(name))
      throw new RequestError(
        'too_many_requests',
        `${WATCHED_MAX} families are watched, the maximum; retry in some minutes`,
      );
    this.#watched.add(name);
    const notes = this.#note(name, nowMs);
    const isOver = nowMs >= (notes.watchedUntilMs ?? 0);
    if (isOver || notes.watched === undefined)
      notes.watched = {
        all: new SenderSketch(nowMs, new Places(WATCHED_SENDERS_MAX), WATCHED_SENDERS_MAX),
        bySeries: new Map(),
        places: new Places(WATCHED_PARTS_MAX),
      };
    notes.watchedUntilMs = untilMs;
  }

  #note(name: string, nowMs: number): FamilyNotes {
    const known = this.#families.get(name);
    if (known !== undefined) {
      known.isNew = true;
      return known;
    }
    if (this.#families.size >= FAMILIES_MAX) this.#forget(oldestOf(this.#families));
    const notes: FamilyNotes = {
      pushes: 0,
      lastMs: nowMs,
      senders: new SenderSketch(nowMs, this.#places),
      watched: undefined,
      watchedUntilMs: undefined,
      isNew: true,
    };
    this.#families.set(flatText(name), notes);
    return notes;
  }

  #forget(name: string): void {
    this.#families.get(name)?.senders.clear(0);
    this.#families.delete(name);
  }
}

/** The same object where it is the same sender, as texts are made for each. */
function senderOf({ key, by, address }: Pusher, known: Sender | undefined): Sender {
  if (known !== undefined && known.token === by && known.address === address) return known;
  return {
    path: known?.path ?? flatText(shorten(labelPath(key.labels))),
    token: by,
    address: address === undefined ? undefined : flatText(address),
  };
}

/** So many that are in use are passed by. */
const PASSED_BY = 8;

/** One that was not touched since it was last passed by, if there is one among the first; those come last then. */
function oldestOf<T extends { isNew: boolean }>(map: Map<string, T>): string {
  let passed = 0;
  for (const [key, value] of map) {
    if (!value.isNew || passed === PASSED_BY) return key;
    passed += 1;
    value.isNew = false;
    map.delete(key);
    map.set(key, value);
  }
  return '';
}

/** By name of the family: what is added to it; of histograms and summaries the observations, which are in buckets or the count. */
function broughtBy(batch: Batch, { accumulators, families }: State): ReadonlyMap<string, Brought> {
  const { pendingSeries } = batch;
  const brought = new Map<string, Brought>();
  let lastName: string | undefined;
  let last: Brought = { value: 0, counts: 0 };
  for (let entry = 0; entry < Math.min(batch.length, LOOKED_AT_MAX); entry += 1) {
    const named = batch.accumulators[entry]!;
    const isNew = named < 0;
    const kind = isNew ? pendingSeries.kind[~named]! : accumulators.kind[named]!;
    const name = isNew
      ? batch.families[pendingSeries.family[~named]!]!.name
      : families.byId[accumulators.family[named]!]?.name;
    if (name === undefined) continue;
    if (name !== lastName) {
      last = brought.get(name) ?? { value: 0, counts: 0 };
      brought.set(name, last);
      lastName = name;
    }
    const value = Math.abs(batch.values[entry]!);
    // Neither what says nothing nor what would drown all else.
    if (!Number.isFinite(value)) continue;
    if (kind === AccumulatorKind.COUNT) last.counts += value;
    else if (kind !== AccumulatorKind.SUM && kind !== AccumulatorKind.CREATED) last.value += value;
  }
  return brought;
}
