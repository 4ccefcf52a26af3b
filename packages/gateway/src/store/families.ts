import { metricTypes } from '../model/metric-type.ts';
import type { MetricType } from '../model/metric-type.ts';
import { flatText, heapBytes } from '../primitives/flat-text.ts';
import { NumberList } from '../primitives/number-list.ts';
import type { Writable } from '../primitives/writable.ts';

/**
 * A family and its rows in the order of the exposition. A row is an accumulator, or the number of a composite series where the family is a histogram or
 * summary. New rows wait in `pending` until a scrape sorts them in.
 */
export interface Family {
  readonly id: number;
  readonly name: string;
  type: MetricType;
  /** Set by `Families.describe`. */
  readonly help: string | undefined;
  readonly unit: string | undefined;
  /** Summaries that are discarded have a family only for the sake of its type. It gives way to any other. */
  readonly discarded: boolean;
  /** Rows that are start times of other series, as in a gauge `<x>_created` beside its x: of these the minimum is kept. */
  startTimeRows: number;
  /** All of a family's rows were start times or none, as records of earlier versions have it; they alone ask for this. */
  allStartTimes: boolean;
  quotedNames: boolean;
  /** Some histogram of it has, or had, native buckets. */
  hasNative: boolean;
  /** Sorted. Replaced, never changed, so that a view may keep it. */
  sorted: Uint32Array;
  /** Replaced when rows go, or are sorted in. */
  pending: NumberList;
  rowCount: number;
  /** The largest Accumulators.createdEpoch of what its rows are new by; or more, where that is gone. */
  createdEpoch: number;
  /** Accumulators of its rows: as many samples as the exposition shows of it. */
  accumulatorCount: number;
  /** Whether some series of it may expire; undefined while nobody has asked. */
  mayExpire: boolean | undefined;
}

/** What a family takes besides its texts: the object itself, its lists, and its places in others. */
const FAMILY_BYTES = 600;
/** Removed families stay in the list of all until it is asked for, or until there are this many and as many as there are others. */
const LISTED_MIN = 64;
const CREATED_SUFFIX = '_created';

export class Families {
  /** Bytes of all that have samples, and of those that are discarded. */
  keptBytes = 0;
  discardedBytes = 0;
  /** Families that have only a type. */
  discardedCount = 0;
  readonly byId: (Family | undefined)[] = [];
  /** By id: 1 for a name that ends in `_created`, under which there may be start times. */
  namedCreated: Uint8Array = new Uint8Array(64);
  readonly #byName = new Map<string, Family>();
  readonly #freeIds: number[] = [];
  #listed: Family[] = [];
  #listedRemoved = false;

  get size(): number {
    return this.#byName.size;
  }

  /** Families that have samples. */
  get keptCount(): number {
    return this.#byName.size - this.discardedCount;
  }

  find(name: string): Family | undefined {
    return this.#byName.get(name);
  }

  get(id: number): Family {
    const family = this.byId[id];
    if (family === undefined) throw new Error(`BUG: no family ${id}`);
    return family;
  }

  create(name: string, type: MetricType): Family {
    return this.createAt(this.#freeIds.pop() ?? this.byId.length, name, type);
  }

  /** Ids that are to be given out again, the next one last. */
  get freeIds(): readonly number[] {
    return this.#freeIds;
  }

  /** Gives an empty list as many ids as another has. Each must then come through `createAt` or `restoreFreeId`. */
  restoreIds(count: number): void {
    while (this.byId.length < count) this.byId.push(undefined);
  }

  /** False where the id is not one that is free. Those to be given out first come last. */
  restoreFreeId(id: number): boolean {
    if (id >= this.byId.length || this.byId[id] !== undefined) return false;
    this.#freeIds.push(id);
    return true;
  }

  /** Creates a family with an id that nothing has. */
  createAt(id: number, named: string, type: MetricType): Family {
    const name = flatText(named);
    const family: Family = {
      id,
      name,
      type,
      help: undefined,
      unit: undefined,
      discarded: false,
      startTimeRows: 0,
      allStartTimes: false,
      quotedNames: false,
      hasNative: false,
      sorted: new Uint32Array(0),
      pending: new NumberList(),
      rowCount: 0,
      createdEpoch: 0,
      accumulatorCount: 0,
      mayExpire: undefined,
    };
    this.byId[family.id] = family;
    this.#noteName(family);
    this.#byName.set(name, family);
    this.#listed.push(family);
    this.#count(family, 1);
    if (this.#listed.length > 2 * this.size + LISTED_MIN) this.list();
    return family;
  }

  /** Gives a family a HELP and a unit, where they are given and it has none. The push that does may have taken it away. */
  describe(family: Family, { help, unit }: Pick<Family, 'help' | 'unit'>): void {
    if (this.byId[family.id] !== family) return;
    const isNew =
      (help !== undefined && family.help === undefined) || (unit !== undefined && family.unit === undefined);
    if (!isNew) return;
    this.#count(family, -1);
    const changing = family as Writable<Family>;
    if (help !== undefined) changing.help ??= flatText(help);
    if (unit !== undefined) changing.unit ??= flatText(unit);
    this.#count(family, 1);
  }

  /** Says whether samples of a family are read and thrown away. */
  setDiscarded(family: Family, isDiscarded: boolean): void {
    if (family.discarded === isDiscarded) return;
    this.#count(family, -1);
    (family as Writable<Family>).discarded = isDiscarded;
    this.#count(family, 1);
  }

  /** Forgets an empty family. Its id is used again, so no reference to it may be left. */
  remove(family: Family): void {
    this.#count(family, -1);
    this.#byName.delete(family.name);
    this.byId[family.id] = undefined;
    this.#freeIds.push(family.id);
    this.#listedRemoved = true;
  }

  /** All families: those that `keepOrder` has seen in that order, newer ones after them. The list may be added to. */
  list(): readonly Family[] {
    if (this.#listedRemoved) this.#listed = this.#listed.filter((family) => this.byId[family.id] === family);
    this.#listedRemoved = false;
    return this.#listed;
  }

  /** Keeps the order into which a list was put, unless it is out of date. `sorted` has its first families. */
  keepOrder(listed: readonly Family[], sorted: readonly Family[]): void {
    if (listed === this.#listed) this.#listed = [...sorted, ...listed.slice(sorted.length)];
  }

  #noteName({ id, name }: Family): void {
    if (id >= this.namedCreated.length) {
      const larger = new Uint8Array(id * 2);
      larger.set(this.namedCreated);
      this.namedCreated = larger;
    }
    this.namedCreated[id] = name.endsWith(CREATED_SUFFIX) ? 1 : 0;
  }

  #count(family: Family, sign: 1 | -1): void {
    const bytes = familyBytes(family);
    if (family.discarded) {
      this.discardedCount += sign;
      this.discardedBytes += sign * bytes;
    } else {
      this.keptBytes += sign * bytes;
    }
  }

  [Symbol.iterator](): IterableIterator<Family> {
    return this.#byName.values();
  }
}

/** Bytes that a family takes, its samples apart. */
export function familyBytes({ name, help, unit }: Pick<Family, 'name' | 'help' | 'unit'>): number {
  return FAMILY_BYTES + heapBytes(name) + descriptionBytes(help) + descriptionBytes(unit);
}

/** Bytes that a HELP or a unit takes. */
export function descriptionBytes(text: string | undefined): number {
  return text === undefined ? 0 : heapBytes(text);
}

/** Names that a family of this type takes for its samples, besides its own. */
export function sampleSuffixes(type: MetricType): readonly string[] {
  switch (type) {
    case 'histogram':
    case 'gaugehistogram':
      return ['_bucket', '_sum', '_count'];
    case 'summary':
      return ['_sum', '_count'];
    case 'counter':
    case 'gauge':
    case 'info':
    case 'stateset':
    case 'untyped':
      return [];
  }
}

/** From here on, September 2001, a gauge `_created` may be a start time: nothing that pushes began to count before, and few other gauges are as large. */
export const START_SECONDS_MIN = 1e9;

/** The families whose start times a gauge of this name may hold: `x` and `x_total` of `x_created`. */
export function startTimesOf(name: string): readonly string[] {
  if (!name.endsWith(CREATED_SUFFIX)) return [];
  const base = name.slice(0, -CREATED_SUFFIX.length);
  return [base, `${base}_total`];
}

/** Whether all rows of a family are start times of other series, so that it says nothing of its own. */
export function holdsOnlyStartTimes({ startTimeRows, rowCount }: Family): boolean {
  return startTimeRows > 0 && startTimeRows === rowCount;
}

/** The other way round: what the family that holds the start times of this one is called. */
export function startTimesName(name: string): string {
  return `${name.endsWith('_total') ? name.slice(0, -'_total'.length) : name}${CREATED_SUFFIX}`;
}

/** What the series of a family that have start times are found by: the counter, or the count. */
export function startedName({ name, type }: Pick<Family, 'name' | 'type'>): string {
  return type === 'counter' ? name : `${name}_count`;
}

export function hasStartTimes(type: MetricType): boolean {
  return type === 'counter' || type === 'histogram' || type === 'summary';
}

/** How many families of each type there are, and samples in them. */
export function countsByType(families: Iterable<Family>): {
  readonly series: Record<MetricType, number>;
  readonly families: Record<MetricType, number>;
} {
  const zero = (): Record<MetricType, number> =>
    Object.fromEntries(metricTypes.map((type) => [type, 0])) as Record<MetricType, number>;
  const counts = { series: zero(), families: zero() };
  for (const family of families) {
    if (family.discarded) continue;
    counts.families[family.type] += 1;
    counts.series[family.type] += family.accumulatorCount;
  }
  return counts;
}
