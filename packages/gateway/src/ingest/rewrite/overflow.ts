/**
 * Adds what there is no room for to one series of its family that stands for it. It has the labels of the first that was too many, and those that told
 * it apart read `__overflow__`: all but those that the token sets, as these are the same for all that it pushes.
 *
 *   c{page="/a",site="shop"} 1 ┐
 *   c{page="/b",site="shop"} 2 ┴▶ c{page="__overflow__",site="shop"} 3      whatever labels later ones have
 *
 * A source by job replaces what it pushed before, so what it has in such a series must not turn up elsewhere while it has it there: until then all of a
 * family that it does not have by itself goes there.
 */
import type { Label } from '../../model/labels.ts';
import { isDistribution } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import { parseSeriesText, seriesText, textWithLabels, writtenLabels } from '../../model/series-text.ts';
import { formatFloat64 } from '../../primitives/float.ts';
import { Pace } from '../../primitives/pace.ts';
import type { State } from '../../state/state.ts';
import type { Family } from '../../store/families.ts';
import {
  hasStartTimes,
  START_SECONDS_MIN,
  startedName,
  startTimesName,
  startTimesOf,
} from '../../store/families.ts';
import { keyOfOthers, OVERFLOW, standsForOthers } from '../../store/overflow-series.ts';
import { AccumulatorKind, isValue } from '../../store/policies.ts';
import { TextScratch } from '../../store/text-scratch.ts';
import type { Pusher } from '../series-limits.ts';
import { besides, SeriesLimits } from '../series-limits.ts';
import { NONE } from './rewritten-push.ts';
import type { RewrittenFamily, RewrittenPush } from './rewritten-push.ts';

/** Series looked at between two looks at the clock. */
const STEP_SERIES = 64;
/** So many numbers are looked up in the time of one series. */
const LOOKED_UP = 32;

/** Whose push it is. */
export interface OverflowingPush {
  readonly pusher: Pusher | undefined;
  /** New series that it has been given room for already. */
  readonly admitted: number;
  /** Labels that the token sets. */
  readonly kept: readonly Label[];
  /** What its source has, if it counts by job. */
  readonly own: ReadonlySet<number>;
}

/** What a family is to the push. */
interface LimitedFamily {
  readonly name: string;
  readonly known: Family | undefined;
  readonly rewritten: RewrittenFamily;
  readonly type: MetricType;
  /** The text of the series that its source has something in that stands for others. */
  readonly held: string | undefined;
}

/** What has a start time: a counter or a count, and its text. */
interface Started {
  readonly name: string;
  readonly text: string;
}

export class Overflow {
  /** Samples that were added to series that stand for them. */
  moved = 0;
  /** The first limit that there was no room under, as a message has it. */
  limit: string | undefined;
  readonly #push: RewrittenPush;
  readonly #state: State;
  readonly #by: OverflowingPush;
  readonly #typeOf: (family: RewrittenFamily) => MetricType;
  readonly #limits: SeriesLimits | undefined;
  readonly #scratch: TextScratch;
  /** By family and what is kept of labels: the text of the series, of a histogram or summary that of its count. */
  readonly #stands = new Map<string, string>();
  /** By the text of a counter or a count that was moved: where to. */
  readonly #movedTo = new Map<string, string>();
  /** By family: the texts of what its source has that stands for others. */
  readonly #held = new Map<number, string[]>();
  /** As the builder is going to count what is new, at least. */
  readonly #toCome: SeriesLimits | undefined;
  /** More is new than there is room for, even besides: who refuses the push need not be given more of it. */
  #isRefused = false;
  /** A gauge of a family that is NaN, and may have been added to others. */
  #takesBack: number | undefined;
  readonly #pace = new Pace(STEP_SERIES);

  constructor(
    push: RewrittenPush,
    state: State,
    by: OverflowingPush,
    typeOf: (family: RewrittenFamily) => MetricType,
  ) {
    this.#push = push;
    this.#state = state;
    this.#by = by;
    this.#typeOf = typeOf;
    this.#limits = by.pusher && new SeriesLimits(by.pusher, state, by.admitted);
    this.#toCome = by.pusher && new SeriesLimits(by.pusher, state, by.admitted);
    this.#scratch = new TextScratch(state.hashSeed);
  }

  /** To be called once all of the push is there. */
  *steps(): Generator<void, void> {
    yield* this.#findHeld();
    const families = [...this.#push.families.values()];
    // Start times go where the series go that they are of.
    for (const mayBeStarts of [false, true])
      for (const family of families) {
        if (this.#isRefused) return;
        if (this.#pace.isFull(1)) yield;
        const type = this.#typeOf(family);
        if ((type === 'gauge' && family.name.endsWith('_created')) !== mayBeStarts) continue;
        if (this.#state.discards({ name: family.name, type })) continue;
        yield* this.#place(yield* this.#limited(family, type));
      }
  }

  /** What its source has that stands for others. */
  *#findHeld(): Generator<void, void> {
    const { accumulators } = this.#state;
    const { overflow, family } = accumulators;
    const { own } = this.#by;
    const [few, many] = own.size < overflow.size ? [own, overflow] : [overflow, own];
    const held: number[] = [];
    for (const accumulator of few.keys()) {
      if (many.has(accumulator)) held.push(accumulator);
      if (this.#pace.isFull(1 / LOOKED_UP)) yield;
    }
    for (const accumulator of held.toSorted((a, b) => a - b)) {
      const of = family[accumulator]!;
      const texts = this.#held.get(of);
      const text = accumulators.textOf(accumulator);
      if (texts === undefined) this.#held.set(of, [text]);
      else texts.push(text);
      if (this.#pace.isFull(1)) yield;
    }
  }

  *#limited(rewritten: RewrittenFamily, type: MetricType): Generator<void, LimitedFamily> {
    const { name } = rewritten;
    const known = this.#state.families.find(name);
    return { name, known, rewritten, type, held: known && (yield* this.#heldOf({ name, known })) };
  }

  /**
   * Sources may push such series themselves, each time, such as another gateway. What they do not push was added up for them, and would count twice if it
   * went elsewhere. To what they do push something was added only where it stands for all and there are such limits.
   */
  *#heldOf({
    name,
    known,
  }: {
    readonly name: string;
    readonly known: Family;
  }): Generator<void, string | undefined> {
    const isLimited = this.#limits?.has({ name, known }, 'overflow') === true;
    let pushed: string | undefined;
    for (const text of this.#held.get(known.id) ?? []) {
      if (!this.#isPushed(text)) return text;
      if (isLimited && pushed === undefined && this.#isForAll(text)) pushed = text;
      if (this.#pace.isFull(1)) yield;
    }
    return pushed;
  }

  /** Whether it has no labels but those that the token sets. */
  #isForAll(text: string): boolean {
    return parseSeriesText(text).labels.every((label) => label.value === OVERFLOW || this.#isKept(label));
  }

  *#place(family: LimitedFamily): Generator<void, void> {
    const { items } = family.rewritten;
    const all = [...items];
    items.length = 0;
    this.#takesBack = undefined;
    for (const item of all) {
      const to = this.#isRefused ? undefined : this.#whereTo(item, family);
      if (to === undefined) items.push(item);
      else this.#move(item, to, family);
      if (this.#pace.isFull(item >= 0 ? 1 : 8)) yield;
    }
    // Where nothing else goes there, all that its source has there is taken back.
    if (this.#takesBack !== undefined && family.held !== undefined && !this.#isPushed(family.held)) {
      items.splice(items.indexOf(this.#takesBack), 1);
      this.#move(this.#takesBack, family.held, family);
    }
  }

  /** The text of the series that it is to be added to; undefined where it stays what it is. */
  #whereTo(item: number, family: LimitedFamily): string | undefined {
    const push = this.#push;
    const text = item >= 0 ? push.series.textOf(item) : push.composites.textOf(~item);
    if (standsForOthers(text)) {
      if (this.#find(text, family) < 0 && this.#saysSomething(item, family)) {
        this.#limits?.spend(family, this.#numbersOf(item));
        this.#comes(item, family);
      }
      return undefined;
    }
    const started = this.#startedBy(item, text, family);
    if (started !== undefined) return this.#startOfWhatItWentTo(started, family);
    const isSticky = family.held !== undefined;
    const known = this.#find(text, family);
    if (known >= 0 && (!isSticky || this.#by.own.has(known))) return undefined;
    if (!this.#saysSomething(item, family)) {
      if (isSticky) this.#takesBack ??= item;
      return undefined;
    }
    if (!isSticky) {
      const limits = this.#limits;
      const numbers = this.#numbersOf(item) + this.#startsOf(text, family);
      // Who refuses the push says it.
      if (limits === undefined || limits.exceeded(family, numbers, 'refuse') !== undefined) return undefined;
      const exceeded = limits.exceeded(family, numbers, 'overflow');
      if (exceeded === undefined) {
        limits.spend(family, numbers);
        this.#comes(item, family);
        return undefined;
      }
      this.limit ??= exceeded.text;
    }
    const { size } = this.#stands;
    const to = family.held ?? this.#standIn(text, family);
    if (to === undefined || (this.#stands.size > size && this.#find(to, family) < 0))
      this.#comes(item, family);
    if (to !== undefined) this.#movedTo.set(text, to);
    return to;
  }

  /** Something new is what it is, or is the first that goes to a series that is new. */
  #comes(item: number, family: LimitedFamily): void {
    const toCome = this.#toCome;
    // What is dropped takes no room; nor does a number that may come to nothing.
    if (toCome === undefined || toCome.has(family, 'drop') || !this.#isSomething(item)) return;
    if (toCome.exceeded(family, 1, 'overflow', besides) === undefined) toCome.spend(family, 1);
    else this.#isRefused = true;
  }

  #isSomething(item: number): boolean {
    if (item < 0) return true;
    for (const sample of this.#push.samplesOf(item))
      if (!Number.isFinite(this.#push.values[sample]!)) return false;
    return true;
  }

  /** What a start time is of, as the text of a counter or count of this push. */
  #startedBy(item: number, text: string, { name, type }: LimitedFamily): Started | undefined {
    if (item < 0 || type !== 'gauge') return undefined;
    const push = this.#push;
    for (const base of startTimesOf(name)) {
      const family = push.families.get(base);
      const ofType = family && this.#typeOf(family);
      if (ofType === undefined || !hasStartTimes(ofType)) continue;
      for (const sample of push.samplesOf(item))
        if (!(push.values[sample]! >= START_SECONDS_MIN)) return undefined;
      const started = startedName({ name: base, type: ofType });
      const owner = textWithLabels(started, writtenLabels(text, name));
      if (this.#movedTo.has(owner) || this.#isPushed(owner)) return { name: started, text: owner };
    }
    return undefined;
  }

  /** Where the start time of a series goes: to that of the series which that one was added to, if it was. */
  #startOfWhatItWentTo({ name: started, text }: Started, { name }: LimitedFamily): string | undefined {
    const to = this.#movedTo.get(text);
    return to === undefined ? undefined : textWithLabels(name, writtenLabels(to, started));
  }

  /** How many new start times come with a counter, or with a histogram or summary by its count. There is room for both or for neither. */
  #startsOf(text: string, { name, type }: LimitedFamily): 0 | 1 {
    if (!hasStartTimes(type)) return 0;
    const starts = startTimesName(name);
    if (!this.#push.families.has(starts)) return 0;
    const start = textWithLabels(starts, writtenLabels(text, startedName({ name, type })));
    return this.#isPushed(start) && this.#find(start, { known: this.#state.families.find(starts) }) < 0
      ? 1
      : 0;
  }

  #isPushed(text: string): boolean {
    const { view, start, end, hash } = this.#scratch.write(text);
    const { series, composites } = this.#push;
    return series.find(view, start, end, hash) >= 0 || composites.find(view, start, end, hash) >= 0;
  }

  /** The accumulator of a series that the state knows, or of its count; -1 for none. */
  #find(text: string, { known }: Pick<LimitedFamily, 'known'>): number {
    if (known === undefined) return -1;
    const { accumulators } = this.#state;
    const { view, start, end, hash } = this.#scratch.write(text);
    const found = accumulators.texts.find(view, start, end, hash);
    return found >= 0 && accumulators.family[found] === known.id ? found : -1;
  }

  /** A gauge that is NaN is no series, and takes none away from where it is not. */
  #saysSomething(item: number, { type }: LimitedFamily): boolean {
    if (item < 0 || type !== 'gauge') return true;
    for (const sample of this.#push.samplesOf(item))
      if (isValue(AccumulatorKind.GAUGE, this.#push.values[sample]!)) return true;
    return false;
  }

  /** As limits count them. */
  #numbersOf(item: number): number {
    if (item >= 0) return 1;
    const push = this.#push;
    let numbers = 0;
    let [hasCount, hasInfinity] = [false, false];
    for (const series of push.seriesOf(~item)) {
      const role = push.roleOf[series]!;
      if (role === 'quantile') continue;
      numbers += 1;
      hasCount ||= role === '_count';
      hasInfinity ||= push.boundOf[series] === Number.POSITIVE_INFINITY;
    }
    return numbers + (hasCount ? 0 : 1) + (hasInfinity || numbers <= 2 ? 0 : 1);
  }

  /** The series that stands for others with the same labels of the token. A series without any other label stands for itself. */
  #standIn(text: string, { name, known, type }: LimitedFamily): string | undefined {
    const { name: sampleName, labels } = parseSeriesText(text);
    const kept = labels.filter((label) => this.#isKept(label));
    if (kept.length === labels.length) return undefined;
    const key = JSON.stringify([name, ...kept.map((label) => [label.name, label.value])]);
    let stands = this.#stands.get(key);
    if (stands === undefined) {
      stands =
        this.#knownStandIn(kept, { known, type }) ??
        seriesText(
          sampleName,
          labels.map((label) => (this.#isKept(label) ? label : { name: label.name, value: OVERFLOW })),
        );
      this.#stands.set(key, stands);
    }
    return stands;
  }

  #isKept({ name, value }: Label): boolean {
    return this.#by.kept.some((label) => label.name === name && label.value === value);
  }

  #knownStandIn(
    kept: readonly Label[],
    { known, type }: Pick<LimitedFamily, 'known' | 'type'>,
  ): string | undefined {
    if (known === undefined || isDistribution(known.type) !== isDistribution(type)) return undefined;
    const { accumulators } = this.#state;
    const found = accumulators.overflow.withKey(keyOfOthers(known.id, kept));
    return found === undefined ? undefined : accumulators.textOf(found);
  }

  #move(item: number, to: string, { rewritten }: LimitedFamily): void {
    const push = this.#push;
    if (item >= 0) {
      const is = { family: rewritten, role: push.roleOf[item]!, bound: Number.NaN };
      const at = push.seriesAt(this.#scratch.write(to), is, NONE);
      this.moved += push.moveSamples(item, at);
      push.moveStartOf(push.series.textOf(item), at);
      return;
    }
    const { name } = rewritten;
    const composite = push.compositeAt(this.#scratch.write(to), rewritten);
    this.#keepBounds(~item, composite, to);
    const { labels } = parseSeriesText(to);
    for (const series of push.seriesOf(~item)) {
      const role = push.roleOf[series]!;
      const bound = push.boundOf[series]!;
      const text =
        role === 'quantile'
          ? seriesText(name, [
              ...labels,
              ...parseSeriesText(push.series.textOf(series)).labels.filter(
                (label) => label.name === 'quantile',
              ),
            ])
          : seriesText(`${name}${role}`, labels, role === '_bucket' ? formatFloat64(bound) : undefined);
      const at = push.seriesAt(this.#scratch.write(text), { family: rewritten, role, bound }, composite);
      this.moved += push.moveSamples(series, at);
    }
    push.moveComposite(~item, composite);
    push.moveStartOf(push.composites.textOf(~item), ~composite);
  }

  /**
   * Buckets fold into those that it has already, so that it does not grow with each that is added. A source has all of them, whatever it added:
   * bounds that come and go would say that its process has begun anew.
   */
  #keepBounds(from: number, composite: number, to: string): void {
    const { bucketsOf } = this.#push;
    if (bucketsOf.has(composite)) return;
    const { accumulators } = this.#state;
    const { view, start, end, hash } = this.#scratch.write(to);
    const count = accumulators.texts.find(view, start, end, hash);
    const listed = bucketsOf.get(from);
    if (count >= 0 && accumulators.kind[count] === AccumulatorKind.COUNT) {
      const { buckets } = accumulators.composites[accumulators.composite[count]!]!;
      const bounds = buckets.map((bucket) => accumulators.bound[bucket]!).filter(Number.isFinite);
      if (buckets.length === 0) return;
      bucketsOf.set(composite, bounds);
      this.#push.hasAllBuckets.add(composite);
    } else if (listed !== undefined) bucketsOf.set(composite, listed);
  }
}
