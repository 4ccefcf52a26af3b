/**
 * Goes through the series, or the sources, for those that are to go: a short time in each turn, until as many are found as one record may
 * list. By their numbers, so that it goes on where it stopped, whatever happened meanwhile.
 */
import { labelText, parseSeriesText, seriesText } from '../../model/series-text.ts';
import { ShortTime } from '../../primitives/turns.ts';
import { NumberList } from '../../primitives/number-list.ts';
import type { Selector } from '../../rules/selector.ts';
import { labelsOfKey } from '../../sources/source-list.ts';
import { namesSeries } from '../../state/drop-series.ts';
import type { State } from '../../state/state.ts';
import { sampleSuffixes } from '../../store/families.ts';
import type { Family } from '../../store/families.ts';
import { isGrouped } from '../../store/policies.ts';
import { matchesSource, nameMatchedBy } from './selectors.ts';

/** A unit of work is a number, or a selector held against so much of a text. */
const UNIT_CHARS = 64;
/** Accumulators, or contributions, of what one record lists. */
const NUMBERS_MAX = 8192;
const SOURCES_MAX = 1024;
const KEY_CHARS_MAX = 256 * 1024;
/** Series, and sources, that a reply shows. */
const SHOWN_MAX = 20;

export interface Scan<T> {
  /** The first of all that were found, as text. */
  readonly shown: readonly string[];
  /** One record can list no more. */
  readonly isFull: boolean;
  /** There is no more to look at. */
  readonly isDone: boolean;
  /** Looks on for a short time. */
  step(): void;
  /** What was found since this was last called. */
  take(): T;
}

/** For the accumulators that name series. They stay what they are, or free, as long as the state is held. */
export class SeriesScan implements Scan<Uint32Array> {
  readonly shown: string[] = [];
  readonly #state: State;
  readonly #selectors: readonly Selector[] | undefined;
  readonly #end: number;
  #at = 0;
  #found = new NumberList();
  #numbers = 0;

  /** Undefined selectors are all series. Those that come from now on have larger numbers, or those of what is gone. */
  constructor(state: State, selectors: readonly Selector[] | undefined) {
    this.#state = state;
    this.#selectors = selectors;
    this.#end = state.accumulators.texts.high;
  }

  get isFull(): boolean {
    return this.#numbers >= NUMBERS_MAX;
  }

  get isDone(): boolean {
    return this.#at >= this.#end;
  }

  step(): void {
    const { accumulators } = this.#state;
    const { kind, composite, composites } = accumulators;
    // Made anew, as families may have changed.
    const candidates = new Candidates(this.#state, this.#selectors);
    const time = new ShortTime();
    while (!this.isDone && !this.isFull && !time.isOver(candidates.takeUnits())) {
      const accumulator = this.#at;
      this.#at += 1;
      if (!namesSeries(accumulators, accumulator) || !candidates.matches(accumulator)) continue;
      this.#found.push(accumulator);
      const { buckets = [], native = [] } = isGrouped(kind[accumulator]!)
        ? composites[composite[accumulator]!]!
        : {};
      this.#numbers += 1 + buckets.length + native.length;
      if (this.shown.length < SHOWN_MAX) this.shown.push(candidates.textOf(accumulator));
    }
  }

  take(): Uint32Array {
    const taken = this.#found.between(0, this.#found.length);
    this.#found = new NumberList();
    this.#numbers = 0;
    return taken;
  }
}

function unitsOf(chars: number, selectors: number): number {
  return 1 + selectors * Math.ceil(chars / UNIT_CHARS);
}

/** By family, which selectors may match its series, and by which of their names. */
class Candidates {
  readonly #state: State;
  readonly #selectors: readonly Selector[] | undefined;
  readonly #byFamily = new Map<Family, readonly (readonly [Selector, name: string])[]>();

  #units = 0;

  constructor(state: State, selectors: readonly Selector[] | undefined) {
    this.#state = state;
    this.#selectors = selectors;
  }

  /** How much work there was since this was last called, and a look at the next number. */
  takeUnits(): number {
    const units = this.#units + 1;
    this.#units = 0;
    return units;
  }

  matches(accumulator: number): boolean {
    if (this.#selectors === undefined) return true;
    const candidates = this.#of(this.#familyOf(accumulator), this.#selectors);
    if (candidates.length === 0) return false;
    const text = this.#state.accumulators.textOf(accumulator);
    this.#units += unitsOf(text.length, candidates.length);
    const { labels } = parseSeriesText(text);
    return candidates.some(([selector, name]) => selector.matches(name, labels));
  }

  /** The series as an operator knows it: a histogram or summary without the name of a part. */
  textOf(accumulator: number): string {
    const { labels } = parseSeriesText(this.#state.accumulators.textOf(accumulator));
    return seriesText(this.#familyOf(accumulator).name, labels);
  }

  #familyOf(accumulator: number): Family {
    return this.#state.families.get(this.#state.accumulators.family[accumulator]!);
  }

  #of(family: Family, selectors: readonly Selector[]): readonly (readonly [Selector, string])[] {
    const known = this.#byFamily.get(family);
    if (known !== undefined) return known;
    const names = namesOf(family);
    this.#units += unitsOf(family.name.length * names.length, selectors.length);
    const candidates = selectors.flatMap((selector): readonly (readonly [Selector, string])[] => {
      const name = nameMatchedBy(selector, names);
      return name === undefined ? [] : [[selector, name]];
    });
    this.#byFamily.set(family, candidates);
    return candidates;
  }
}

/** All names by which samples of a family may be exposed; OpenMetrics calls some parts of gauge histograms otherwise. */
function namesOf({ name, type }: Family): readonly string[] {
  const suffixes = type === 'gaugehistogram' ? ['_gsum', '_gcount'] : [];
  return [name, ...[...sampleSuffixes(type), ...suffixes].map((suffix) => name + suffix)];
}

/** For the keys of sources; those that are kept as a hash match nothing but all. */
export class SourceScan implements Scan<readonly string[]> {
  readonly shown: string[] = [];
  readonly #state: State;
  readonly #selectors: readonly Selector[] | undefined;
  #at = 0;
  #found: string[] = [];
  #numbers = 0;
  #chars = 0;

  constructor(state: State, selectors: readonly Selector[] | undefined) {
    this.#state = state;
    this.#selectors = selectors;
  }

  get isFull(): boolean {
    return this.#found.length >= SOURCES_MAX || this.#numbers >= NUMBERS_MAX || this.#chars >= KEY_CHARS_MAX;
  }

  get isDone(): boolean {
    return this.#at >= this.#state.sources.list.end;
  }

  step(): void {
    const { list, contributions } = this.#state.sources;
    const time = new ShortTime();
    for (let units = 0; !this.isDone && !this.isFull && !time.isOver(units);) {
      const source = this.#at;
      this.#at += 1;
      units = 1;
      if (!list.isKnown(source)) continue;
      const key = list.keyOf(source);
      units += unitsOf(key.length, this.#selectors?.length ?? 1);
      if (!this.#look(key)) continue;
      contributions.open(source);
      this.#numbers += contributions.length;
    }
  }

  #look(key: string): boolean {
    const labels = labelsOfKey(key);
    const isWanted =
      this.#selectors === undefined || (labels !== undefined && matchesSource(this.#selectors, labels));
    if (!isWanted) return false;
    this.#found.push(key);
    this.#chars += key.length;
    if (this.shown.length < SHOWN_MAX)
      this.shown.push(`{${(labels ?? []).map(({ name, value }) => labelText(name, value)).join(',')}}`);
    return true;
  }

  take(): readonly string[] {
    const taken = this.#found;
    this.#found = [];
    this.#numbers = 0;
    this.#chars = 0;
    return taken;
  }
}
