/**
 * What rules made of series keys that were seen before, so that the same bytes need not be parsed and looked at by rules again. Kept as long
 * as the rules are the same, up to a number of bytes. Then nothing is learnt for many pushes, as more senders than there is room for would have
 * each other forgotten before it was of any use; after that all of it is learnt anew.
 */
import type { MetricType } from '../../model/metric-type.ts';
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
const ENTRY_BYTES = 320;
const TABLE_BYTES = 4096;
/** Pushes for which what is known stays as it is, once there is no room for more. */
const FULL_PUSHES = 1 << 17;

/** By series keys of one dialect, and of paths to which the same rules hold. */
export class PlacementTable {
  readonly #memo: PlacementMemo;
  readonly #keys: ByteTable;
  readonly #placements: Placement[] = [];
  /** Accumulators of what series become, as far as somebody learnt them, as long as nothing is lost from the state. */
  #accumulators: (number | undefined)[] = [];
  #losses = 0;

  constructor(memo: PlacementMemo, hashSeed: number) {
    this.#memo = memo;
    this.#keys = new ByteTable(hashSeed);
  }

  /** The number of a placement, or -1. */
  find(view: DataView, start: number, end: number, hash: number): number {
    return this.#keys.find(view, start, end, hash);
  }

  get(number: number): Placement {
    return this.#placements[number]!;
  }

  /** Undefined where it was not learnt since the state has lost anything. */
  accumulatorOf(number: number, losses: number): number | undefined {
    if (this.#losses !== losses) {
      this.#losses = losses;
      this.#accumulators = [];
    }
    return this.#accumulators[number];
  }

  learn(number: number, accumulator: number): void {
    // Without holes, which would make it a dictionary.
    while (this.#accumulators.length < number) this.#accumulators.push(undefined);
    this.#accumulators[number] = accumulator;
  }

  remember(view: DataView, start: number, end: number, placement: Placement): void {
    if (end - start > KEY_BYTES_MAX) return;
    const { pushed, text, group = '', composite = '' } = placement;
    const bytes = end - start + pushed.length + text.length + group.length + composite.length + ENTRY_BYTES;
    if (!this.#memo.hasRoomFor(bytes)) return;
    const hash = this.#keys.hash(view, start, end);
    // What it was when the families of a push were others.
    const known = this.#keys.find(view, start, end, hash);
    if (known >= 0) {
      this.#placements[known] = placement;
      this.#accumulators = [];
    } else this.#placements[this.#keys.insert(view, start, end, hash)] = placement;
  }
}

export class PlacementMemo {
  readonly #hashSeed: number;
  readonly #bytesMax: number;
  #of: Rules | undefined;
  #bytes = 0;
  /** Pushes since there is no room. */
  #fullFor = 0;
  readonly #tables = new Map<string, PlacementTable>();
  /** For those for whom there is no room: it stays empty. */
  readonly #nothing: PlacementTable;

  constructor(hashSeed: number, bytesMax: number = BYTES_MAX) {
    this.#hashSeed = hashSeed;
    this.#bytesMax = bytesMax;
    this.#nothing = new PlacementTable(this, hashSeed);
  }

  tableFor(rules: PushRules, dialect: Dialect): PlacementTable {
    if (this.#isFull) this.#fullFor += 1;
    if (rules.rules !== this.#of || this.#fullFor > FULL_PUSHES) {
      this.#of = rules.rules;
      this.#bytes = 0;
      this.#fullFor = 0;
      this.#tables.clear();
    }
    const key = keyOf(rules, dialect);
    let table = this.#tables.get(key);
    if (table === undefined) {
      if (this.#isFull) return this.#nothing;
      this.#bytes += TABLE_BYTES + key.length;
      table = new PlacementTable(this, this.#hashSeed);
      this.#tables.set(key, table);
    }
    return table;
  }

  /** Whether anything is known, or can be learnt, of what rules make of pushes of a path. */
  isOfUse(rules: PushRules, dialect: Dialect): boolean {
    if (!this.#isFull || rules.rules !== this.#of) return true;
    // Asked for each push, also where nobody uses what is known any more.
    this.#fullFor += 1;
    return this.#fullFor > FULL_PUSHES || this.#tables.has(keyOf(rules, dialect));
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

function keyOf({ rules, source, added, seesPath, path }: PushRules, dialect: Dialect): string {
  const isOfPath = seesPath || added.labels.length > 0;
  return JSON.stringify([
    dialect,
    source === undefined ? -1 : rules.sources.indexOf(source),
    isOfPath ? path.map(({ name, value }) => [name, value]) : [],
  ]);
}
