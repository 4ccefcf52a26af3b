import { PushProblem } from '../../model/errors.ts';
export declare class WireReader {
  #private;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at: number;
  end: number;
  constructor(bytes: Uint8Array);
  /** Goes to a part of the bytes, which must lie within a message that was read. */
  enter(start: number, end: number): void;
  /** The tag of the next field. */
  tag(): number;
  /** An unsigned number of up to 64 bits, rounded to a double where it is larger than 2^53. */
  varint(): number;
  /** The length of a field, and the position behind it: what it holds lies between `at` and there. */
  bytesEnd(): number;
  double(): number;
  /** Passes over the field of a tag that was read, whatever it is. */
  skip(tag: number): void;
  /** Passes over a field that is not known, or not used; one that is known must have its own wire type. */
  skipUnused(tag: number, known: readonly number[]): void;
  /** A text that has been read as bytes. */
  text(start: number, end: number): string;
}
export declare function problem(message: string, offset: number): PushProblem;
