/**
 * Which gauges of a push are start times. Clients of text write when a series began to count as a gauge `x_created` beside `x` or
 * `x_total`; a sum of such times means nothing. But a gauge may have such a name for reasons of its own, so only what can be a
 * start time is one: it is in the past, and the push has the series that it is of. What was found is part of the record.
 */
import { seriesHead, textWithLabels, writtenLabels } from '../model/series-text.ts';
import { sameBytes } from '../primitives/bytes.ts';
import type { Batch } from '../store/batch.ts';
import type { Cursor } from './expected-run.ts';
import { checkGauge } from './gauge-kinds.ts';
import { hasStartTimes, START_SECONDS_MIN, startedName, startTimesOf } from '../store/families.ts';
import { NO_COMPOSITE } from '../store/pending-series.ts';
import type { PushFamilies } from './push-families.ts';
import { usesStartTimes } from '../store/aggregation-config.ts';
import type { State } from '../state/state.ts';
import { TextScratch } from '../store/text-scratch.ts';
import { AccumulatorKind } from '../store/policies.ts';

/** How far the clock of a sender may be ahead. */
const AHEAD_MS = 86_400_000;
/** Looking up the series of a start time is as much work as so many rows of others. */
const LOOKED_UP_ROWS = 8;
/** Families of which it is remembered where their series are. */
const PATTERNS_MAX = 10_000;

/** A family whose start times another may hold, in this push. */
interface Owner {
  /** Of the series that a start time is found by: the counter, or the count. */
  readonly name: string;
  /** Nothing of it is kept but its type, so that no series can be asked for. */
  readonly isDiscarded: boolean;
}

/**
 * Where the series of a family's start times are, as it was the last time. Clients write all start times of a family in the order of its
 * series, so mostly each is as far from the one before as the next is from it.
 */
interface Pattern {
  /** The first start time and what it is of. */
  readonly accumulator: number;
  readonly owner: number;
  step: number;
  /** What stands before the labels in the texts of both. */
  readonly createdBytes: number;
  readonly ownerBytes: number;
}

/** What a start time is of, as in Batch.accumulators, where there is no accumulator for it. */
const DISCARDED = -(2 ** 31);

export class StartJudge {
  readonly #state: State;
  readonly #batch: Batch;
  readonly #families: PushFamilies;
  readonly #cursor: Cursor;
  readonly #wallMs: () => number;
  readonly #scratch: TextScratch;
  /** By family; they hold for the epoch. */
  readonly #patterns = new Map<number, Pattern>();
  #epoch = 0;
  /** The family of the last start time: -1 for one that is new, undefined before the first. */
  #id: number | undefined;
  #name: string | undefined;
  #owners: readonly Owner[] | undefined;
  #pattern: Pattern | undefined;
  #lastOwner: number | undefined;

  constructor(parts: {
    readonly state: State;
    readonly batch: Batch;
    readonly families: PushFamilies;
    readonly cursor: Cursor;
    readonly wallMs: () => number;
  }) {
    this.#state = parts.state;
    this.#batch = parts.batch;
    this.#families = parts.families;
    this.#cursor = parts.cursor;
    this.#wallMs = parts.wallMs;
    this.#scratch = new TextScratch(parts.state.hashSeed);
  }

  /** Says in the batch which of its gauges are start times; to be called once all of them are there. */
  judge(): void {
    for (const _ of this.judgeInSteps(Number.POSITIVE_INFINITY));
  }

  /** The same in steps. The state must stay as it is meanwhile, but for its totals. */
  *judgeInSteps(rows: number): Generator<void, void> {
    if (!this.#families.mayHaveStartTimes) return;
    this.#begin();
    const batch = this.#batch;
    const latest = (this.#wallMs() + AHEAD_MS) / 1000;
    let left = rows;
    for (let entry = 0; entry < batch.length; entry += 1) {
      left -= 1;
      if (left <= 0) {
        left = rows;
        yield;
      }
      const accumulator = batch.accumulators[entry]!;
      if (!this.#mayBeStart(accumulator)) continue;
      const value = batch.values[entry]!;
      let owner: number | undefined;
      if (value >= START_SECONDS_MIN && value <= latest) {
        left -= LOOKED_UP_ROWS;
        owner = this.#expectedOwner(accumulator) ?? this.#findOwner(accumulator);
        this.#lastOwner = owner;
        if (owner !== undefined && owner !== DISCARDED && usesStartTimes(this.#batch.sender))
          batch.began.push({ accumulator: owner, startMs: value * 1000 });
      }
      this.#note(accumulator, value, owner !== undefined, batch.offsets[entry]!);
    }
  }

  #begin(): void {
    this.#id = undefined;
    this.#name = undefined;
    if (this.#epoch === this.#state.epoch && this.#patterns.size < PATTERNS_MAX) return;
    this.#epoch = this.#state.epoch;
    if (this.#patterns.size > 0) this.#patterns.clear();
  }

  /** Whether an entry is of a gauge with the name of start times; notes its family. */
  #mayBeStart(accumulator: number): boolean {
    const { accumulators, families } = this.#state;
    if (accumulator < 0) {
      const { name, type } = this.#batch.families[this.#batch.pendingSeries.family[~accumulator]!]!;
      const isGauge = type === 'gauge' && name.endsWith('_created');
      if (isGauge && name !== this.#name) this.#enter(-1, name);
      return isGauge;
    }
    const id = accumulators.family[accumulator]!;
    if (id === this.#id) return true;
    if (families.namedCreated[id] !== 1) return false;
    const family = families.get(id);
    const isGauge = this.#families.typeOf(family) === 'gauge';
    if (isGauge) this.#enter(id, family.name);
    return isGauge;
  }

  #enter(id: number, name: string): void {
    this.#id = id;
    this.#name = name;
    this.#owners = undefined;
    this.#pattern = this.#patterns.get(id);
    this.#lastOwner = undefined;
  }

  #note(accumulator: number, value: number, isStartTime: boolean, offset: number): void {
    const { pendingSeries, turned } = this.#batch;
    if (accumulator < 0) {
      // Otherwise it is the gauge that rules make of it.
      if (isStartTime) pendingSeries.kind[~accumulator] = AccumulatorKind.CREATED;
    } else if (
      !Number.isNaN(value) &&
      isStartTime !== (this.#state.accumulators.kind[accumulator] === AccumulatorKind.CREATED)
    ) {
      if (!isStartTime) {
        checkGauge({ state: this.#state, batch: this.#batch }, accumulator, offset);
        const { accumulators, gaugeRules } = this.#state;
        if (accumulators.windows !== undefined && gaugeRules.mayHaveWindow(this.#name!))
          this.#batch.pendingWindows += 1;
      }
      turned.push({ accumulator, isStartTime });
    }
  }

  /** What the start time is of when it is what was to be expected; saves a look-up. */
  #expectedOwner(accumulator: number): number | undefined {
    const pattern = this.#pattern;
    if (pattern === undefined || accumulator < 0) return undefined;
    if (accumulator === pattern.accumulator) return this.#isGiven(pattern.owner) ? pattern.owner : undefined;
    if (this.#lastOwner === undefined || this.#lastOwner < 0) return undefined;
    const { texts, kind, family } = this.#state.accumulators;
    const next = this.#lastOwner + pattern.step;
    const { owner, createdBytes, ownerBytes } = pattern;
    if (next >= kind.length || kind[next] !== kind[owner] || family[next] !== family[owner]) return undefined;
    const length = texts.lengthOf(accumulator) - createdBytes;
    if (length !== texts.lengthOf(next) - ownerBytes || length < 0) return undefined;
    const start = texts.offsetOf(accumulator) + createdBytes;
    const ownerStart = texts.offsetOf(next) + ownerBytes;
    if (!sameBytes(texts.viewOf(accumulator), start, texts.viewOf(next), ownerStart, length))
      return undefined;
    return this.#isGiven(next) ? next : undefined;
  }

  /** The series of the push with the same labels, as in Batch.accumulators. */
  #findOwner(accumulator: number): number | undefined {
    const family = this.#name!;
    this.#owners ??= this.#ownersOf(family);
    if (this.#owners.length === 0) return undefined;
    const texts = accumulator < 0 ? this.#batch.pendingSeries.texts : this.#state.accumulators.texts;
    const labels = writtenLabels(texts.textOf(accumulator < 0 ? ~accumulator : accumulator), family);
    for (const { name, isDiscarded } of this.#owners) {
      const owner = isDiscarded ? DISCARDED : this.#find(textWithLabels(name, labels));
      if (owner === undefined) continue;
      if (accumulator >= 0 && owner >= 0) this.#learn(accumulator, owner, name);
      return owner;
    }
    return undefined;
  }

  #learn(accumulator: number, owner: number, name: string): void {
    const pattern = this.#pattern;
    if (pattern !== undefined && this.#lastOwner !== undefined && this.#lastOwner >= 0) {
      pattern.step = Math.max(owner - this.#lastOwner, 1);
      return;
    }
    const bytes = { createdBytes: headBytes(this.#name!), ownerBytes: headBytes(name) };
    this.#pattern = { accumulator, owner, step: pattern?.step ?? 1, ...bytes };
    this.#patterns.set(this.#id!, this.#pattern);
  }

  #ownersOf(name: string): readonly Owner[] {
    const owners: Owner[] = [];
    for (const base of startTimesOf(name)) {
      const type = this.#families.sampledTypeOf(base);
      if (type === undefined || !hasStartTimes(type)) continue;
      const isDiscarded = this.#state.discards({ name: base, type });
      owners.push({ name: startedName({ name: base, type }), isDiscarded });
    }
    return owners;
  }

  /** The counter, or the count, with this text, where the push has a number of it. */
  #find(text: string): number | undefined {
    const { view, start, end, hash } = this.#scratch.write(text);
    const known = this.#state.accumulators.texts.find(view, start, end, hash);
    if (known >= 0 && this.#isGiven(known)) return known;
    const { pendingSeries } = this.#batch;
    const index = pendingSeries.texts.find(view, start, end, hash);
    return index >= 0 && this.#isGivenPending(index) ? ~index : undefined;
  }

  #isGivenPending(index: number): boolean {
    const { pendingSeries, pendingComposites } = this.#batch;
    if (pendingSeries.given[index] === 1) return true;
    const composite = pendingSeries.composite[index]!;
    if (composite === NO_COMPOSITE || composite >= 0) return false;
    const { infinity } = pendingComposites[~composite]!;
    return infinity >= 0 && pendingSeries.given[infinity] === 1;
  }

  /** A histogram need not say its count. */
  #isGiven(accumulator: number): boolean {
    const { accumulators } = this.#state;
    const { seen, serial } = this.#cursor;
    if (seen[accumulator] === serial) return true;
    const infinity =
      accumulators.kind[accumulator] === AccumulatorKind.COUNT
        ? accumulators.composites[accumulators.composite[accumulator]!]!.buckets.at(-1)
        : undefined;
    return infinity !== undefined && seen[infinity] === serial;
  }
}

function headBytes(name: string): number {
  return Buffer.byteLength(seriesHead(name));
}
