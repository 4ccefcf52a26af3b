/**
 * The last hour of families, a point every 15 seconds: in memory, bounded, and none of it is kept. Buckets are followed of families that somebody
 * opened, the last 50, and single series from when one is opened.
 */
import type { MetricType } from '../../model/metric-type.ts';
import type { State } from '../../state/state.ts';
import { usageOf } from '../../state/usage.ts';
import type { Family } from '../../store/families.ts';
import { TextScratch } from '../../store/text-scratch.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { totalOf } from './family-totals.ts';
import type { FamilyTotal } from './family-totals.ts';
import { Points, STEP_MS } from './points.ts';
import { isShown, shownValue } from './shown-value.ts';
import { inStillTurns } from './still-turns.ts';

const FAMILIES_MAX = 4096;
const OPENED_MAX = 50;
const SERIES_MAX = 50;
/** Of one family that is opened; those that come first. */
const BOUNDS_MAX = 64;

/** How much there is of what has a limit. */
interface Used {
  readonly [name: string]: number;
}

interface FamilyHistory {
  readonly type: MetricType;
  readonly points: Points;
  /** In the time of the ledger, when its total was last another. */
  changedMs: number | undefined;
}

export class History {
  readonly #ledger: Ledger;
  readonly #families = new Map<string, FamilyHistory>();
  /** By family: by bound. Those opened last come last. */
  readonly #buckets = new Map<string, Map<number, Points>>();
  /** By text. */
  readonly #series = new Map<string, Points>();
  readonly #used = new Map<string, Points>();
  readonly #scratch: TextScratch;
  #timer: NodeJS.Timeout | undefined;
  #isTaking = false;
  #isClosed = false;
  /** The newest step of which all is there. */
  #step = -1;
  /** Families that changed earlier are as they were at the last step. */
  #generation = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#scratch = new TextScratch(ledger.state.hashSeed);
  }

  /** Takes points from now on, as long as somebody has the gateway. */
  start(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const self = new WeakRef(this);
    const timer = setInterval(() => {
      const history = self.deref();
      if (history === undefined) clearInterval(timer);
      else void history.take();
    }, STEP_MS).unref();
    this.#timer = timer;
    void this.take();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  get newestStep(): number {
    return this.#step;
  }

  /** Takes the point of now. */
  async take(): Promise<void> {
    if (this.#isTaking || this.#isClosed) return;
    this.#isTaking = true;
    try {
      const step = Math.floor(this.#ledger.nowMs() / STEP_MS);
      if (step > this.#step) await inStillTurns(this.#ledger, this.#taken(step), () => this.#check());
    } catch {
      // It is closed.
    } finally {
      this.#isTaking = false;
    }
  }

  #check(): void {
    if (this.#isClosed) throw new Error('closed');
  }

  pointsOf(family: string): Points | undefined {
    return this.#families.get(family)?.points;
  }

  /** When the total of a family was last seen to be another. */
  changedMs(family: string): number | undefined {
    return this.#families.get(family)?.changedMs;
  }

  /** Follows the buckets of a family from now on, if it is not yet. */
  openBuckets(family: string): ReadonlyMap<number, Points> {
    const known = this.#buckets.get(family) ?? new Map<number, Points>();
    this.#buckets.delete(family);
    this.#buckets.set(family, known);
    if (this.#buckets.size > OPENED_MAX) deleteFirst(this.#buckets);
    return known;
  }

  /** The same for a series, by its text. */
  openSeries(text: string): Points {
    let known = this.#series.get(text);
    this.#series.delete(text);
    if (known === undefined) {
      known = new Points();
      const value = this.#valueOf(text);
      if (this.#step >= 0) known.set(this.#step, value);
    }
    this.#series.set(text, known);
    if (this.#series.size > SERIES_MAX) deleteFirst(this.#series);
    return known;
  }

  usedPoints(name: string): Points | undefined {
    return this.#used.get(name);
  }

  *#taken(step: number): Generator<void, void> {
    const { state } = this.#ledger;
    const { families, accumulators } = state;
    const { generation } = accumulators;
    const since = this.#generation;
    for (let id = 0; id < families.byId.length; id += 1) {
      const family = families.byId[id];
      if (id % STEP_FAMILIES === STEP_FAMILIES - 1) yield;
      if (family === undefined || !isShown(family)) continue;
      const known = this.#known(family);
      if (known === undefined) continue;
      const opened = this.#buckets.get(family.name);
      const isAsBefore =
        accumulators.changedAt[id]! < since && known.points.at(this.#step) === known.points.last;
      if (isAsBefore && (opened === undefined || opened.size > 0)) {
        known.points.set(step, known.points.last);
        for (const points of opened?.values() ?? []) points.set(step, points.last);
        continue;
      }
      const total = yield* totalOf(state, family, { buckets: opened !== undefined });
      // It may have gone meanwhile.
      if (families.byId[id] === family) this.#note(family, known, { step, total });
    }
    for (const [text, points] of this.#series) {
      points.set(step, this.#valueOf(text));
      yield;
    }
    for (const [name, used] of Object.entries(usedOf(state))) {
      const points = this.#used.get(name) ?? new Points();
      points.set(step, used);
      this.#used.set(name, points);
    }
    yield* this.#forgetGone(state);
    this.#generation = generation;
    this.#step = step;
  }

  /** Undefined where there are too many. */
  #known({ name, type }: Family): FamilyHistory | undefined {
    const known = this.#families.get(name);
    if (known !== undefined && known.type === type) return known;
    if (known === undefined && this.#families.size >= FAMILIES_MAX) return undefined;
    const created = { type, points: new Points(), changedMs: undefined };
    this.#families.set(name, created);
    return created;
  }

  #note(
    { name }: Family,
    known: FamilyHistory,
    { step, total: { total, byBound } }: { readonly step: number; readonly total: FamilyTotal },
  ): void {
    if (!Object.is(known.points.last, total)) known.changedMs = this.#ledger.nowMs();
    known.points.set(step, total);
    const opened = this.#buckets.get(name);
    if (opened === undefined || byBound === undefined) return;
    for (const [bound, observations] of byBound) {
      let points = opened.get(bound);
      if (points === undefined && (opened.size < BOUNDS_MAX || bound === Infinity)) {
        points = new Points();
        opened.set(bound, points);
      }
      points?.set(step, observations);
    }
  }

  *#forgetGone({ families }: State): Generator<void, void> {
    let looked = 0;
    for (const name of this.#families.keys()) {
      looked += 1;
      if (looked % STEP_FAMILIES === 0) yield;
      if (families.find(name) === undefined) this.#families.delete(name);
    }
  }

  #valueOf(text: string): number {
    const { state } = this.#ledger;
    const { view, start, end, hash } = this.#scratch.write(text);
    const accumulator = state.accumulators.texts.find(view, start, end, hash);
    return accumulator < 0 ? Number.NaN : shownValue(state, accumulator);
  }
}

const STEP_FAMILIES = 64;

function deleteFirst(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

/** By the names of the own metric of limits. */
export function usedOf(state: State): Used {
  const { accumulators, families, sources } = state;
  const usage = usageOf(state);
  return {
    series: accumulators.size,
    series_bytes: usage.seriesBytes,
    families: families.keptCount,
    metadata_bytes: usage.metadataBytes,
    sources: sources.size,
    source_bytes: usage.sourceBytes,
    exemplars: accumulators.exemplars.size,
  };
}
