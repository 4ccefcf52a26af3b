/**
 * What rules made of series keys that were seen before, so that the same bytes need not be parsed and looked at by rules again. Kept as long
 * as the rules are the same, up to a number of bytes. Then nothing is learnt for many pushes, as more senders than there is room for would have
 * each other forgotten before it was of any use; after that all of it is learnt anew.
 */
import type { MetricType } from '../../model/metric-type.ts';
import { dialects } from '../../model/sample-sink.ts';
import type { Dialect } from '../../model/sample-sink.ts';
import { ByteTable } from '../../primitives/byte-table.ts';
import type { RelabelRule, Rules } from '../../rules/rules.ts';
import type { Role } from './pushed-families.ts';
import type { PushRules } from './push-rules.ts';

/** What becomes of one series, whatever else is in its push. */
export interface Placement {
  /** As pushed: its name, and the family and role that this was found to be of. */
  readonly name: string;
  readonly routed: { readonly family: string; readonly type: MetricType | undefined; readonly role: Role };
  /** The rule that drops it. */
  readonly droppedBy: RelabelRule | undefined;
  /** The name that rules give it. */
  readonly becomes: string;
  /** Of the family that it becomes part of, and what that is to the push or the state. */
  readonly base: string;
  readonly role: Role;
  readonly type: MetricType | undefined;
  readonly typeByRule: MetricType | undefined;
  /** Canonical texts: as pushed, and as it becomes. */
  readonly pushed: string;
  readonly text: string;
  /** Of a histogram or summary: the counts of both. */
  readonly group: string | undefined;
  readonly composite: string | undefined;
  /** Of a bucket. */
  readonly pushedBound: number;
  readonly bound: number;
  readonly buckets: readonly number[] | undefined;
}

const BYTES_MAX = 64 * 2 ** 20;
/** Longer series keys are parsed each time, so that a few cannot fill it. */
const KEY_BYTES_MAX = 1024;
/** What an entry takes besides its texts, and a table besides its entries. */
const ENTRY_BYTES = 336;
const KEY_BYTES = 48;
const TABLE_BYTES = 4096;
/** Pushes for which what is known stays as it is, once there is no room for more. */
const FULL_PUSHES = 1 << 17;
/** Of a key whose accumulator is to be looked for. */
export const NOT_LEARNT = -1;
/** Of a key that is of a series by itself. */
const NO_GROUP = -1;

/** By series keys of one dialect, and of paths to which the same rules hold. */
export class PlacementTable {
  readonly keys: ByteTable;
  /** By key: the accumulator of what the series becomes, as far as somebody learnt it; NOT_LEARNT while nothing else is known. */
  accumulators: Int32Array = new Int32Array(0);
  /** By key: how far from the number after it the one was that came next, the last time that was another. */
  skips: Int32Array = new Int32Array(0);
  /** By key: the histogram or summary series that it is a part of as pushed, or NO_GROUP. */
  groups: Int32Array = new Int32Array(0);
  readonly #memo: PlacementMemo;
  readonly #placements: (Placement | undefined)[] = [];
  readonly #groups = new Map<string, number>();
  /** By group: the composite series that its parts are learnt to become parts of. */
  readonly #composites: number[] = [];
  #losses = 0;

  constructor(memo: PlacementMemo, hashSeed: number) {
    this.#memo = memo;
    this.keys = new ByteTable(hashSeed);
  }

  /** Undefined where only an accumulator was learnt. */
  get(key: number): Placement | undefined {
    return this.#placements[key];
  }

  /** To be called before accumulators are looked at, which mean nothing once the state has lost any. */
  begin(losses: number): void {
    if (this.#losses === losses) return;
    this.#losses = losses;
    this.accumulators.fill(NOT_LEARNT);
    this.#composites.fill(NOT_LEARNT);
  }

  /** Whether all parts of a key's group that were learnt become parts of this composite series, this one with them. */
  joins(key: number, composite: number): boolean {
    const group = this.groups[key]!;
    if (this.#composites[group] === NOT_LEARNT) this.#composites[group] = composite;
    return this.#composites[group] === composite;
  }

  remember(view: DataView, start: number, end: number, placement: Placement): void {
    if (end - start > KEY_BYTES_MAX) return;
    const { pushed, text, group = '', composite = '' } = placement;
    const bytes = end - start + pushed.length + text.length + group.length + composite.length + ENTRY_BYTES;
    if (!this.#memo.hasRoomFor(bytes)) return;
    const { keys } = this;
    const hash = keys.hash(view, start, end);
    // What it was when the families of a push were others.
    const known = keys.find(view, start, end, hash);
    const key = known >= 0 ? known : keys.insert(view, start, end, hash);
    if (key >= this.accumulators.length) this.#grow();
    this.#placements[key] = placement;
    this.accumulators[key] = NOT_LEARNT;
    this.groups[key] = placement.group === undefined ? NO_GROUP : this.#groupOf(placement.group);
  }

  /** Notes what a key leads to, of which no more needs to be known. */
  learn(view: DataView, start: number, end: number, accumulator: number): void {
    if (end - start > KEY_BYTES_MAX) return;
    const { keys } = this;
    const hash = keys.hash(view, start, end);
    let key = keys.find(view, start, end, hash);
    if (key < 0) {
      if (!this.#memo.hasRoomFor(end - start + KEY_BYTES)) return;
      key = keys.insert(view, start, end, hash);
      if (key >= this.accumulators.length) this.#grow();
      // Without holes, which would make it a dictionary.
      this.#placements[key] = undefined;
    }
    this.accumulators[key] = accumulator;
  }

  #groupOf(text: string): number {
    const known = this.#groups.get(text);
    if (known !== undefined) return known;
    this.#groups.set(text, this.#groups.size);
    return this.#composites.push(NOT_LEARNT) - 1;
  }

  #grow(): void {
    const { accumulators, skips, groups } = this;
    const { capacity } = this.keys;
    this.accumulators = new Int32Array(capacity);
    this.accumulators.set(accumulators);
    this.skips = new Int32Array(capacity);
    this.skips.set(skips);
    this.groups = new Int32Array(capacity);
    this.groups.set(groups);
  }
}

export class PlacementMemo {
  readonly #hashSeed: number;
  readonly #bytesMax: number;
  #of: Rules | undefined;
  #bytes = 0;
  /** Pushes since there is no room. */
  #fullFor = 0;
  readonly #tables: Readonly<Record<Dialect, Map<string, PlacementTable>>> = {
    text: new Map(),
    openmetrics: new Map(),
  };
  /** For those for whom there is no room: it stays empty. */
  readonly nothing: PlacementTable;

  constructor(hashSeed: number, bytesMax: number = BYTES_MAX) {
    this.#hashSeed = hashSeed;
    this.#bytesMax = bytesMax;
    this.nothing = new PlacementTable(this, hashSeed);
  }

  tableFor(rules: PushRules, dialect: Dialect): PlacementTable {
    if (this.#isFull) this.#fullFor += 1;
    if (rules.rules !== this.#of || this.#fullFor > FULL_PUSHES) {
      this.#of = rules.rules;
      this.#bytes = 0;
      this.#fullFor = 0;
      for (const each of dialects) this.#tables[each].clear();
    }
    const tables = this.#tables[dialect];
    let table = tables.get(rules.placedBy);
    if (table === undefined) {
      if (this.#isFull) return this.nothing;
      this.#bytes += TABLE_BYTES + rules.placedBy.length;
      table = new PlacementTable(this, this.#hashSeed);
      tables.set(rules.placedBy, table);
    }
    return table;
  }

  /** Whether anything is known, or can be learnt, of what rules make of pushes of a path. */
  isOfUse(rules: PushRules, dialect: Dialect): boolean {
    if (!this.#isFull || rules.rules !== this.#of) return true;
    // Asked for each push, also where nobody uses what is known any more.
    this.#fullFor += 1;
    return this.#fullFor > FULL_PUSHES || this.#tables[dialect].has(rules.placedBy);
  }

  get #isFull(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  /** Takes so many bytes if they may be taken. */
  hasRoomFor(bytes: number): boolean {
    if (this.#isFull) return false;
    this.#bytes += bytes;
    return true;
  }
}
