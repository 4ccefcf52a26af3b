/**
 * The parts of a snapshot as bytes. A part holds some rows of one table of the state, as columns, little endian:
 *
 *   part    [ tag, from, rows, 0 | column | column … ]      what it is of, its first row and their number, 32 bits each
 *   column  [ length, form | number … ]                     padded to 8 bytes, as is all else
 *
 * A column whose numbers are all the same has that number once, as columns often are: no bound, no contributor.
 */

/** What parts are of. */
export const Tag = {
  /** "PAGS": the first part; in place of rows it has the version. */
  HEAD: 0x53474150,
  FAMILIES: 1,
  FREE_FAMILIES: 2,
  SOURCES: 3,
  CONTRIBUTIONS: 4,
  ACCUMULATORS: 5,
  SPILLED: 6,
  PENDING_FREE: 7,
  FREE_ACCUMULATORS: 8,
  END: 9,
  FREE_COMPOSITES: 10,
  LAST_NAMED: 11,
  LEFT_OUT: 12,
  COMMON: 13,
  COMMON_NUMBERS: 14,
  COMMON_NAMED: 15,
  WINDOWS: 16,
  OWNERS: 17,
  CREATED: 18,
} as const;
export type Tag = (typeof Tag)[keyof typeof Tag];

export const VERSION = 1;

/** The one number of each in the head, in this order. */
export const headFields = [
  'epoch',
  'families',
  'familyIds',
  'freeFamilies',
  'sourcesLive',
  'sourcesPruned',
  'accumulators',
  'accumulatorNumbers',
  'composites',
  'spilled',
  'pendingFree',
  'freeAccumulators',
  'freeComposites',
  'order',
  'owned',
] as const;
/** Snapshots of earlier versions end before these: there are none. */
export const laterHeadFields: readonly string[] = ['freeComposites', 'order', 'owned'];
export type Head = Readonly<Record<(typeof headFields)[number], number>>;

/** Parts are about as long as this, or shorter. One row alone may be longer. */
export const PART_BYTES: number = 1 << 20;

/** A damaged length must not ask for the memory of the machine. */
const COLUMN_LENGTH_MAX = 1 << 28;
const HEADER_BYTES = 16;
const COLUMN_BYTES = 8;
const ALL = 0;
/** The form of a column of one number over and over. */
const ONE = 1;

type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export interface Part {
  readonly tag: Tag;
  readonly from: number;
  readonly rows: number;
  readonly columns: readonly Column[];
}

export function encodePart({ tag, from, rows, columns }: Part): Uint8Array {
  const forms = columns.map((column) => (isConstant(column) ? ONE : ALL));
  const lengths = columns.map((column, i) =>
    forms[i] === ONE ? column.BYTES_PER_ELEMENT : column.byteLength,
  );
  const total = lengths.reduce((sum, length) => sum + COLUMN_BYTES + padded(length), HEADER_BYTES);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of [tag, from, rows].entries()) view.setUint32(i * 4, value, true);
  let at = HEADER_BYTES;
  for (const [i, column] of columns.entries()) {
    view.setUint32(at, column.length, true);
    view.setUint32(at + 4, forms[i]!, true);
    at += COLUMN_BYTES;
    const data = bytes.subarray(at, at + lengths[i]!);
    data.set(bytesOf(column).subarray(0, data.length));
    if (!isLittleEndian) swap(data, column.BYTES_PER_ELEMENT);
    at += padded(data.length);
  }
  return bytes;
}

/** Reads the columns of a part in the order in which they were written. They are valid as long as its bytes. */
export class PartReader {
  readonly tag: number;
  readonly from: number;
  readonly rows: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = HEADER_BYTES;

  constructor(bytes: Uint8Array) {
    // Columns are read in place, which needs them aligned.
    this.#bytes = isLittleEndian && bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    if (bytes.length < HEADER_BYTES) throw broken('a part is cut off');
    this.tag = this.#view.getUint32(0, true);
    this.from = this.#view.getUint32(4, true);
    this.rows = this.#view.getUint32(8, true);
  }

  /** Whether there are columns left: some parts end in columns that are written only when they say something. */
  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** A column of one number for each row. */
  u8(): Uint8Array {
    return this.#rows(this.#take(Uint8Array));
  }

  u16(): Uint16Array {
    return this.#rows(this.#take(Uint16Array));
  }

  u32(): Uint32Array {
    return this.#rows(this.#take(Uint32Array));
  }

  i32(): Int32Array {
    return this.#rows(this.#take(Int32Array));
  }

  f64(): Float64Array {
    return this.#rows(this.#take(Float64Array));
  }

  /** A column of its own length. */
  bytes(): Uint8Array {
    return this.#take(Uint8Array);
  }

  numbers(): Float64Array {
    return this.#take(Float64Array);
  }

  accumulators(): Int32Array {
    return this.#take(Int32Array);
  }

  #rows<T extends Column>(column: T): T {
    if (column.length !== this.rows) throw broken(`a column of ${column.length} for ${this.rows} rows`);
    return column;
  }

  #take<T extends Column>(type: ColumnType<T>): T {
    if (this.#at + COLUMN_BYTES > this.#bytes.length) throw broken('a part is cut off');
    const length = this.#view.getUint32(this.#at, true);
    const form = this.#view.getUint32(this.#at + 4, true);
    const stored = form === ONE ? 1 : length;
    const bytes = stored * type.BYTES_PER_ELEMENT;
    const from = this.#at + COLUMN_BYTES;
    this.#at = from + padded(bytes);
    if (this.#at > this.#bytes.length || form > ONE || length > COLUMN_LENGTH_MAX)
      throw broken('a part is cut off');
    if (!isLittleEndian) swap(this.#bytes.subarray(from, from + bytes), type.BYTES_PER_ELEMENT);
    const column = new type(this.#bytes.buffer, this.#bytes.byteOffset + from, stored);
    if (form === ALL) return column;
    const whole = new type(length);
    whole.fill(column[0]!);
    return whole;
  }
}

interface ColumnType<T extends Column> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): T;
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
}

/** What restoring throws for a snapshot that it cannot take. */
export function broken(what: string): Error {
  return new Error(`the snapshot cannot be read: ${what}`);
}

/** Whether all numbers are the same to the bit: then what lies after the first is what lies before the last. */
function isConstant(column: Column): boolean {
  if (column.length < 2) return false;
  const bytes = bytesOf(column);
  const size = column.BYTES_PER_ELEMENT;
  return Buffer.compare(bytes.subarray(size), bytes.subarray(0, -size)) === 0;
}

function bytesOf(column: Column): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function swap(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** Parts of a table whose rows are whole numbers. */
export function* numberParts(tag: Tag, numbers: Uint32Array): Generator<Part, void> {
  const rowsMax = PART_BYTES / numbers.BYTES_PER_ELEMENT;
  for (let from = 0; from < numbers.length; from += rowsMax) {
    const rows = numbers.subarray(from, from + rowsMax);
    yield { tag, from, rows: rows.length, columns: [rows] };
  }
}
