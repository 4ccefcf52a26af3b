/**
 * Idempotency keys of accepted pushes, so that a retry counts once. A key is kept as a digest of whatever tells it from others, and beside it a
 * fingerprint of the request that came with it, so that the same key on another request can be told from a retry.
 *
 *   table    digest, 16 bytes                                  entry
 *   columns  by entry: fingerprint, time, holder, and its places in two lists
 *   lists    all keys by age, and those of one holder by age: oldest ⇄ … ⇄ newest
 *
 * About 70 bytes a key. Keys go when they are older than the window. When there are too many, the oldest goes of whoever holds the
 * most, so that a flood of keys drives out its own. Holders are numbers that senders fall into by a hash, and there are no more of
 * them, so what is kept of them is bounded as well, and finding the largest takes a microsecond.
 *
 * An unknown key was never counted, or it is forgotten. Of each holder it is known since when no key was forgotten: so a retry whose first attempt is
 * younger can be told from one that may have been counted.
 *
 * All is decided by what records say, so that it comes out the same when they are read again.
 * Draft: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
import { viewOf } from '../primitives/bytes.ts';
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import { ByteTable } from '../primitives/byte-table.ts';

export const DIGEST_BYTES = 16;
export const FINGERPRINT_BYTES = 8;
export const HOLDER_BYTES = 4;
/** Digest, fingerprint, then a hash of who holds it: what identifies a push. */
export const IDENTITY_BYTES: number = DIGEST_BYTES + FINGERPRINT_BYTES + HOLDER_BYTES;
/** As earlier versions wrote it, without a holder. */
export const UNHELD_IDENTITY_BYTES: number = DIGEST_BYTES + FINGERPRINT_BYTES;
const TIME_BYTES = 8;
const KEYS_PER_PART = 16_384;
const HOLDERS = 1024;
/** Added to a holder: not a key any more, but still to be read by a snapshot. */
const GONE = 1 << 15;
const NONE = -1;
/** Before any key. */
const NEVER = Number.NEGATIVE_INFINITY;
/** Keys that go when one comes: more than one, so that there are fewer in the end, and few, so that it takes no time. */
const REMOVED_AT_ONCE = 16;

export interface KeyBounds {
  readonly windowMs: number;
  readonly keysMax: number;
}

/** Those of a new store, before any record says otherwise. */
export const initialKeyBounds: KeyBounds = { windowMs: 24 * 60 * 60 * 1000, keysMax: 1_000_000 };

/** The keys as they were at one point in time. */
interface FrozenKeys {
  parts(): Generator<Uint8Array, void>;
  /** To be called when the parts are no longer read. */
  close(): void;
}

export class IdempotencyKeys {
  size = 0;
  /** Keys that went before their time was over, because there were too many. */
  evicted = 0;
  #bounds: KeyBounds;
  readonly #table: ByteTable;
  /** Two numbers each. */
  #fingerprints = new Uint32Array(64);
  #addedMs = new Float64Array(32);
  #holders = new Uint16Array(32);
  #older = new Int32Array(32);
  #newer = new Int32Array(32);
  /** The same among those of the same holder. */
  #previous = new Int32Array(32);
  #next = new Int32Array(32);
  #oldest = NONE;
  #newest = NONE;
  /** The oldest that is not gone. */
  #oldestLive = NONE;
  #newestMs = NEVER;
  /** By holder. */
  readonly #counts = new Uint32Array(HOLDERS);
  readonly #first = new Int32Array(HOLDERS).fill(NONE);
  readonly #last = new Int32Array(HOLDERS).fill(NONE);
  /** By holder: when the newest key was added that has gone. */
  readonly #forgottenMs = new Float64Array(HOLDERS).fill(NEVER);
  /** What was before this time is not known of any holder; all of it until `begin`. */
  #begunMs = Number.POSITIVE_INFINITY;
  #isFrozen = false;
  readonly #gone: number[] = [];

  constructor(bounds: KeyBounds, hashSeed: number) {
    this.#bounds = bounds;
    this.#table = new ByteTable(hashSeed);
  }

  get bounds(): KeyBounds {
    return this.#bounds;
  }

  /** Where there are too many then, they go as others come. */
  setBounds(bounds: KeyBounds): void {
    this.#bounds = bounds;
  }

  /** Every key that comes from now on will have been added here. Only the first call counts. */
  begin(nowMs: number): void {
    if (this.#begunMs === Number.POSITIVE_INFINITY) this.#begunMs = nowMs;
  }

  /** Whether the key of this identity, which is unknown, may have been known once, if nobody had it before `sinceMs`. */
  mayBeForgotten(identity: Uint8Array, sinceMs: number, nowMs: number): boolean {
    const forgottenMs = this.#forgottenMs[holderOf(identity)]!;
    return sinceMs <= Math.max(this.#begunMs, forgottenMs, nowMs - this.#bounds.windowMs);
  }

  /** Whether the key of this identity is known, and if so whether it came with the same request. */
  look(identity: Uint8Array, nowMs: number): 'unknown' | 'same' | 'another' {
    const view = viewOf(identity);
    const entry = this.#find(view);
    if (entry < 0 || this.#isOver(entry, nowMs)) return 'unknown';
    const isSame =
      this.#fingerprints[entry * 2] === view.getUint32(DIGEST_BYTES) &&
      this.#fingerprints[entry * 2 + 1] === view.getUint32(DIGEST_BYTES + 4);
    return isSame ? 'same' : 'another';
  }

  /** Adds a key; one that is there already stays as it is. Lets go of some that are too old, or too many. */
  add(identity: Uint8Array, nowMs: number): void {
    const view = viewOf(identity);
    const known = this.#find(view);
    if (known >= 0) {
      if (!this.#isOver(known, nowMs)) return;
      this.#remove(known);
    }
    this.#evict(nowMs);
    this.#insert(identity, view, nowMs);
  }

  #insert(identity: Uint8Array, view: DataView, nowMs: number): void {
    const hash = this.#table.hash(view, 0, DIGEST_BYTES);
    const entry = this.#table.insert(view, 0, DIGEST_BYTES, hash);
    if (entry >= this.#addedMs.length) this.#growColumns();
    this.#fingerprints[entry * 2] = view.getUint32(DIGEST_BYTES);
    this.#fingerprints[entry * 2 + 1] = view.getUint32(DIGEST_BYTES + 4);
    // Never less than before, so that the oldest come first.
    this.#newestMs = Math.max(this.#newestMs, nowMs);
    this.#addedMs[entry] = this.#newestMs;
    // When it goes, nobody knows any more whose it was.
    if (identity.length < IDENTITY_BYTES) this.#begunMs = Math.max(this.#begunMs, this.#newestMs);
    this.#link(entry, holderOf(identity));
  }

  /**
   * The keys as they are now, oldest first, for a snapshot; one at a time. Those that go meanwhile are read all the same, and new
   * ones are not.
   */
  freeze(): FrozenKeys {
    if (this.#isFrozen) throw new Error('BUG: the keys are being read by a snapshot');
    this.#forgetGone(this.#gone.length);
    this.#isFrozen = true;
    const from = this.#oldest;
    const to = this.#newest;
    return { parts: () => this.#parts(from, to), close: () => (this.#isFrozen = false) };
  }

  /** Takes back a part that `parts` gave; `isHeld` is false for those of earlier versions, which know no holders. */
  restore(part: Uint8Array, isHeld = true): void {
    const view = viewOf(part);
    const identityBytes = isHeld ? IDENTITY_BYTES : UNHELD_IDENTITY_BYTES;
    const rowBytes = identityBytes + TIME_BYTES;
    for (let at = 0; at + rowBytes <= part.length; at += rowBytes) {
      const identity = part.subarray(at, at + identityBytes);
      const ofIdentity = viewOf(identity);
      // None goes for the sake of another, although there may be more than the bounds say now: they go as others come.
      if (this.#find(ofIdentity) < 0)
        this.#insert(identity, ofIdentity, view.getFloat64(at + identityBytes, true));
    }
  }

  /** Writes since when keys are remembered; `restoreKept` reads it back. */
  writeKept(writer: ByteWriter): void {
    writer.double(this.#begunMs);
    const holders = [...this.#forgottenMs.keys()].filter((holder) => this.#forgottenMs[holder]! > NEVER);
    writer.whole(holders.length);
    for (const holder of holders) {
      writer.whole(holder);
      writer.double(this.#forgottenMs[holder]!);
    }
  }

  /** To be called for a new one, before `restore`. */
  restoreKept(reader: ByteReader): void {
    this.#begunMs = reader.double();
    for (let left = reader.whole(); left > 0; left -= 1)
      this.#forgottenMs[reader.whole() % HOLDERS] = reader.double();
  }

  *#parts(from: number, to: number): Generator<Uint8Array, void> {
    const rowBytes = IDENTITY_BYTES + TIME_BYTES;
    let entry = from;
    while (entry !== NONE) {
      const part = new Uint8Array(KEYS_PER_PART * rowBytes);
      const view = viewOf(part);
      let at = 0;
      while (entry !== NONE && at < part.length) {
        const start = this.#table.offsetOf(entry);
        part.set(this.#table.chunkOf(entry).subarray(start, start + DIGEST_BYTES), at);
        view.setUint32(at + DIGEST_BYTES, this.#fingerprints[entry * 2]!);
        view.setUint32(at + DIGEST_BYTES + 4, this.#fingerprints[entry * 2 + 1]!);
        view.setUint32(at + UNHELD_IDENTITY_BYTES, this.#holders[entry]! % GONE);
        view.setFloat64(at + IDENTITY_BYTES, this.#addedMs[entry]!, true);
        at += rowBytes;
        entry = entry === to ? NONE : this.#newer[entry]!;
      }
      yield part.subarray(0, at);
    }
  }

  #find(view: DataView): number {
    return this.#table.find(view, 0, DIGEST_BYTES, this.#table.hash(view, 0, DIGEST_BYTES));
  }

  #isOver(entry: number, nowMs: number): boolean {
    return this.#addedMs[entry]! < nowMs - this.#bounds.windowMs;
  }

  #evict(nowMs: number): void {
    if (this.#gone.length > 0 && !this.#isFrozen) this.#forgetGone(REMOVED_AT_ONCE);
    for (let left = REMOVED_AT_ONCE; left > 0 && this.size > 0; left -= 1) {
      if (this.#isOver(this.#oldestLive, nowMs)) this.#remove(this.#oldestLive);
      else if (this.size >= this.#bounds.keysMax) {
        this.#remove(this.#first[this.#largestHolder()]!);
        this.evicted += 1;
      } else return;
    }
  }

  /** Of several, the one whose oldest key is the oldest. */
  #largestHolder(): number {
    let most = 0;
    let found = 0;
    for (let holder = 0; holder < HOLDERS; holder += 1) {
      const count = this.#counts[holder]!;
      if (count < most || count === 0) continue;
      if (count === most && this.#addedMs[this.#first[holder]!]! >= this.#addedMs[this.#first[found]!]!)
        continue;
      most = count;
      found = holder;
    }
    return found;
  }

  #remove(entry: number): void {
    const holder = this.#holders[entry]!;
    const previous = this.#previous[entry]!;
    const next = this.#next[entry]!;
    if (previous === NONE) this.#first[holder] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#last[holder] = previous;
    else this.#previous[next] = previous;
    this.#counts[holder]! -= 1;
    this.size -= 1;
    this.#table.remove(entry);
    this.#holders[entry] = holder + GONE;
    this.#forgottenMs[holder] = Math.max(this.#forgottenMs[holder]!, this.#addedMs[entry]!);
    while (this.#oldestLive !== NONE && this.#holders[this.#oldestLive]! >= GONE)
      this.#oldestLive = this.#newer[this.#oldestLive]!;
    this.#gone.push(entry);
    if (!this.#isFrozen) this.#forgetGone(1);
  }

  #link(entry: number, holder: number): void {
    this.#holders[entry] = holder;
    this.#older[entry] = this.#newest;
    this.#newer[entry] = NONE;
    this.#next[entry] = NONE;
    if (this.#newest === NONE) this.#oldest = entry;
    else this.#newer[this.#newest] = entry;
    this.#newest = entry;
    if (this.#oldestLive === NONE) this.#oldestLive = entry;
    const last = this.#last[holder]!;
    this.#previous[entry] = last;
    if (last === NONE) this.#first[holder] = entry;
    else this.#next[last] = entry;
    this.#last[holder] = entry;
    this.#counts[holder]! += 1;
    this.size += 1;
  }

  /** Lets the numbers of so many keys that are gone be used again. */
  #forgetGone(most: number): void {
    for (let left = most; left > 0; left -= 1) {
      const entry = this.#gone.pop();
      if (entry === undefined) return;
      const older = this.#older[entry]!;
      const newer = this.#newer[entry]!;
      if (older === NONE) this.#oldest = newer;
      else this.#newer[older] = newer;
      if (newer === NONE) this.#newest = older;
      else this.#older[newer] = older;
      this.#table.release(entry);
    }
  }

  #growColumns(): void {
    const capacity = this.#table.capacity;
    this.#fingerprints = copied(new Uint32Array(capacity * 2), this.#fingerprints);
    this.#addedMs = copied(new Float64Array(capacity), this.#addedMs);
    this.#holders = copied(new Uint16Array(capacity), this.#holders);
    this.#older = copied(new Int32Array(capacity), this.#older);
    this.#newer = copied(new Int32Array(capacity), this.#newer);
    this.#previous = copied(new Int32Array(capacity), this.#previous);
    this.#next = copied(new Int32Array(capacity), this.#next);
  }
}

/** Earlier versions did not say who it is. */
function holderOf(identity: Uint8Array): number {
  if (identity.length < IDENTITY_BYTES) return 0;
  return viewOf(identity).getUint32(UNHELD_IDENTITY_BYTES) % HOLDERS;
}

function copied<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from);
  return to;
}
