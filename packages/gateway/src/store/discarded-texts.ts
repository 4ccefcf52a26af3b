/**
 * Lines that are read and thrown away, by their canonical texts, each with a number to which all of its series keys lead: so that a push
 * which says one twice is found out, however it spells them. A cache, as series keys are: no record and no snapshot has any of it.
 *
 * Bounded in bytes, what an entry takes besides its text among them, and so in number. Past that another table is begun, and the texts of
 * this one are learnt again by use. Whoever reads a push has the table that was there when it began (ingest/discarded-lines.ts), which may be
 * dropped meanwhile without a change of what it says.
 */
import { ByteTable } from '../primitives/byte-table.ts';

/** Longer texts are read anew each time, so that a few pushes cannot fill the table. */
const TEXT_BYTES_MAX = 1024;
/** Columns, its place in the table, and a stamp in each of two readers of pushes. */
const ENTRY_BYTES = 32;
/** A reference to a line has 32 bits, of which some say what it is. */
const ID_MAX = 2 ** 28;

export class DiscardedTexts {
  /** The number of the first text. Those of tables before are lower, so that no series key learnt then leads to a text that is here. */
  readonly firstId: number;
  readonly #hashSeed: number;
  readonly #bytesMax: number;
  readonly #texts: ByteTable;
  #families = new Int32Array(32);

  constructor(hashSeed: number, bytesMax: number, firstId = 0) {
    this.#hashSeed = hashSeed;
    this.#bytesMax = bytesMax;
    this.firstId = firstId;
    this.#texts = new ByteTable(hashSeed);
  }

  get bytes(): number {
    return this.#texts.textBytes + this.#texts.size * ENTRY_BYTES;
  }

  /** The number that the next text gets. */
  get endId(): number {
    return this.firstId + this.#texts.high;
  }

  get isFull(): boolean {
    return this.bytes + TEXT_BYTES_MAX + ENTRY_BYTES > this.#bytesMax;
  }

  /** A table to go on with. Where its numbers begin at 0 again, no series key may lead to one any more. */
  next(): DiscardedTexts {
    const { endId } = this;
    return new DiscardedTexts(this.#hashSeed, this.#bytesMax, endId > ID_MAX ? 0 : endId);
  }

  /** The number of a text, or -1. */
  find(view: DataView, start: number, end: number, hash: number): number {
    const entry = this.#texts.find(view, start, end, hash);
    return entry < 0 ? -1 : this.firstId + entry;
  }

  /** Its number from now on, or -1 where it is too long. To be called when it is not there and there is room. */
  add(view: DataView, start: number, end: number, hash: number): number {
    if (end - start > TEXT_BYTES_MAX || this.isFull) return -1;
    const entry = this.#texts.insert(view, start, end, hash);
    if (entry >= this.#families.length) {
      const larger = new Int32Array(this.#texts.capacity);
      larger.set(this.#families);
      this.#families = larger;
    }
    return this.firstId + entry;
  }

  /** The family of the summary that series keys of a text were last learnt with. */
  familyOf(id: number): number {
    return this.#families[id - this.firstId]!;
  }

  setFamily(id: number, family: number): void {
    this.#families[id - this.firstId] = family;
  }

  textOf(id: number): string {
    return this.#texts.textOf(id - this.firstId);
  }
}
