/**
 * The text of families as an earlier exposition showed it, kept for as long as they do not change. It is kept by runs of
 * neighbouring families: a large family is a run by itself, small ones share one, as writing a few hundred rows anew costs
 * less than looking after each.
 *
 * Text is kept when it is written, also when the run had changed: most are pushed to now and then, and are the same on the
 * next expositions. A run that changes from one exposition to the next is not kept again before it was the same in two expositions, so
 * families that change all the time take no memory. Nor do runs that would take more than there is room for beside what is
 * kept already: they are written anew each time.
 */
import type { ExpositionFormat } from '../model/exposition-format.ts';
import type { FamilyView } from '../model/read-view.ts';
import type { LeftOut } from './escaping/escaped-family.ts';
import { CacheQuota } from './cache-quota.ts';
import type { Recording, QuotaUser } from './cache-quota.ts';

/** Families with at least so many rows are a run by themselves; smaller ones are put together up to here. */
const RUN_ROWS = 128;

/** A run that has changed in more expositions than these, one after the other, is not kept. */
const CHANGES_KEPT = 1;

/**
 * A number beside the version: with the same of both, a family is written the same way. It says what of the other families of an exposition
 * changes how this one is shown.
 */
export type VariantOf = (family: FamilyView) => number;

/** An exposition that is being written. */
export interface CachedExposition {
  readonly number: number;
  readonly variantOf: VariantOf;
}

interface Run extends Past {
  readonly families: readonly object[];
  readonly versions: readonly number[];
  readonly variants: readonly number[];
  readonly text: readonly Uint8Array[] | undefined;
  /** Of the text and of what is known about it. */
  readonly bytes: number;
  readonly leftOut: LeftOut | undefined;
  /** The newest exposition that met it. */
  page: number;
}

/** What earlier expositions found out about a run. */
interface Past {
  /** Expositions in a row in which it was not what it had been in the exposition before. */
  changes: number;
  /** The text is longer than this. */
  readonly tooMuchFor: number;
}

export interface FoundRun extends Past {
  /** The end of the run, exclusive. */
  readonly to: number;
  /** What to show for it, if that is kept. */
  readonly text: readonly Uint8Array[] | undefined;
  /** What the text does not show. */
  readonly leftOut?: LeftOut | undefined;
  /** How much of the text may be kept when it is written anew now. */
  readonly keepBytesMax: number;
}

interface WrittenRun extends Readonly<Past>, Pick<FoundRun, 'text' | 'leftOut' | 'keepBytesMax'> {
  /** There was less room for the text than when it was found. */
  readonly isCrowded: boolean;
}

const noPast: Readonly<Past> = { changes: 0, tooMuchFor: 0 };

/** What a run takes besides its text, and each of its families: entries of lists, and families that have gone and live on here. */
const RUN_BYTES = 320;
const RUN_FAMILY_BYTES = 96;

/** The kept text of each way to write an exposition that was asked for; there are as many as formats and escapings. They share their room. */
export class ScrapeCache {
  readonly #room: CacheQuota;
  readonly #texts = new Map<string, CachedText>();

  constructor(bytesMax: number) {
    this.#room = new CacheQuota(bytesMax);
  }

  /** What all of it takes, with what expositions under way have recorded in order to keep it. */
  get bytes(): number {
    return this.#room.bytes;
  }

  /** Both versions of text are the same text where names are escaped the same way. */
  of({ format, escaping }: ExpositionFormat): CachedText {
    const key = `${format} ${escaping}`;
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = new CachedText(this.#room);
      this.#texts.set(key, text);
      this.#room.add(text);
    }
    return text;
  }
}

export class CachedText implements QuotaUser {
  /** When the newest exposition began, and the one before it. */
  usedAt = 0;
  usedBefore = 0;
  readonly #room: CacheQuota;
  /** By the first family of the run. */
  readonly #runs = new Map<object, Run>();
  #bytes = 0;

  constructor(room: CacheQuota) {
    this.#room = room;
  }

  get bytes(): number {
    return this.#bytes;
  }

  clear(): void {
    this.#runs.clear();
    this.#bytes = 0;
  }

  begin(variantOf: VariantOf): CachedExposition {
    this.usedBefore = this.usedAt;
    this.usedAt = this.#room.use();
    return { number: this.usedAt, variantOf };
  }

  /** Call when an exposition is complete: forgets runs that neither it nor a later one met. */
  end(page: CachedExposition): void {
    for (const [first, run] of this.#runs) if (run.page < page.number) this.#drop(first, run);
  }

  /** The run that begins at `from`, as this exposition has it. */
  find(families: readonly FamilyView[], from: number, page: CachedExposition): FoundRun {
    const first = families[from]!;
    if (first.once) return { to: from + 1, text: undefined, keepBytesMax: 0, ...noPast };
    const known = this.#runs.get(first.identity);
    if (known !== undefined && isSame(known, families, from, page.variantOf)) {
      known.page = Math.max(known.page, page.number);
      known.changes = 0;
      const { text, leftOut, tooMuchFor } = known;
      const to = from + known.families.length;
      return { to, text, leftOut, keepBytesMax: this.#roomFor(known), changes: 0, tooMuchFor };
    }
    const changes = known === undefined ? 0 : known.changes + 1;
    const { tooMuchFor } = known ?? noPast;
    if (known !== undefined) this.#drop(first.identity, known);
    const keepBytesMax = changes > CHANGES_KEPT ? 0 : this.#roomFor({ tooMuchFor });
    return { to: this.#runEnd(families, from), text: undefined, keepBytesMax, changes, tooMuchFor };
  }

  /** For a run that is written anew; to be closed. */
  record({ keepBytesMax }: FoundRun): Recording {
    return this.#room.record(this, keepBytesMax);
  }

  /** Notes a run that was written anew, and keeps its text if there is one. */
  keep(run: readonly FamilyView[], written: WrittenRun, page: CachedExposition): void {
    if (run[0]!.once) return;
    const first = run[0]!.identity;
    const known = this.#runs.get(first);
    // Another exposition was faster, and had room.
    if (written.text === undefined && known?.text !== undefined && isSame(known, run, 0, page.variantOf))
      return;
    if (known !== undefined) this.#drop(first, known);
    const ownBytes = RUN_BYTES + run.length * RUN_FAMILY_BYTES;
    const textBytes = (written.text ?? []).reduce((sum, part) => sum + part.buffer.byteLength, 0);
    // Another exposition may have filled the room meanwhile.
    const text = this.#room.makeFor(this, ownBytes + textBytes) ? written.text : undefined;
    const bytes = ownBytes + (text === undefined ? 0 : textBytes);
    if (text === undefined && !this.#room.makeFor(this, ownBytes)) return;
    const { changes, leftOut, keepBytesMax, isCrowded } = written;
    const tooMuchFor = Math.max(written.tooMuchFor, isCrowded ? 0 : keepBytesMax);
    this.#runs.set(first, {
      families: run.map((family) => family.identity),
      versions: run.map((family) => family.version),
      variants: run.map(page.variantOf),
      text,
      bytes,
      leftOut,
      changes,
      tooMuchFor: text === undefined ? tooMuchFor : 0,
      page: page.number,
    });
    this.#bytes += bytes;
  }

  /** How much may be kept of a run; nothing where that is known not to suffice. */
  #roomFor({ tooMuchFor }: Pick<Past, 'tooMuchFor'>): number {
    const room = this.#room.left(this);
    return room > tooMuchFor ? room : 0;
  }

  #runEnd(families: readonly FamilyView[], from: number): number {
    let rows = families[from]!.rowCount;
    let to = from + 1;
    for (; to < families.length; to += 1) {
      const next = families[to]!;
      rows += next.rowCount;
      if (rows > RUN_ROWS || next.once) break;
      // Not into a run that may still be good, once this one is of a fair size.
      if (rows > RUN_ROWS / 2 && this.#runs.has(next.identity)) break;
    }
    return to;
  }

  #drop(first: object, run: Run): void {
    this.#runs.delete(first);
    this.#bytes -= run.bytes;
  }
}

function isSame(run: Run, families: readonly FamilyView[], from: number, variantOf: VariantOf): boolean {
  if (from + run.families.length > families.length) return false;
  for (let i = 0; i < run.families.length; i += 1) {
    const family = families[from + i]!;
    if (family.once || run.families[i] !== family.identity || run.versions[i] !== family.version)
      return false;
    if (run.variants[i] !== variantOf(family)) return false;
  }
  return true;
}
