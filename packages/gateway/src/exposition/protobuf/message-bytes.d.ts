import type { PageWriter } from '../page-writer.ts';
/** The most that a tag, a length and a number, or a double, take together. */
export declare const FIELD_BYTES = 24;
export declare class MessageBytes {
  #private;
  get length(): number;
  /** Begins a message for which `bytes` will do. Places are valid until the next one begins. */
  begin(bytes: number): void;
  room(bytes: number): void;
  /** Begins a field that has a length; returns its place. `lengthBytes` is how long the length is going to be, most likely. */
  open(tag: number, lengthBytes?: number): number;
  /** Ends the field at a place; fields within it have ended before. */
  close(place: number, lengthBytes?: number): void;
  /** A whole number from 0 up to 2^64, exclusive. */
  varint(value: number): void;
  /** The field of a whole number of an `int64`, which takes ten bytes where it is negative. */
  int64(tag: number, value: number): void;
  /** A whole number as `sint32` and `sint64` have it, without a tag. */
  zigzag(value: number): void;
  /** The field of a whole number from 0 up to 2^64, exclusive. */
  whole(tag: number, value: number): void;
  /** The field of a double; the tag is a single byte. */
  double(tag: number, value: number): void;
  /** A double without a tag. */
  bareDouble(value: number): void;
  /** The field of a message that is one double and nothing else, with a single byte for each tag. */
  doubleMessage(tag: number, doubleTag: number, value: number): void;
  /** The field of a text of any length; makes room for itself. */
  text(tag: number, text: string): void;
  /**
   * Label pairs from labels of canonical text, `a="b","c.d"="e"`. Room for `labelsBytesMax` of them is needed. Through views this
   * takes two thirds of the time that it takes through arrays.
   */
  labels(tag: number, text: Uint8Array, start: number, end: number): void;
  /** Hands all over to the page, and begins anew. */
  giveTo(page: PageWriter): void;
}
/** Labels of so many bytes of canonical text take no more. The shortest is `a="b",`. */
export declare function labelsBytesMax(textBytes: number): number;
/** Writes a whole number from 0 up to 2^64, exclusive; returns the position behind it. */
export declare function writeVarint(to: Uint8Array, start: number, value: number): number;
