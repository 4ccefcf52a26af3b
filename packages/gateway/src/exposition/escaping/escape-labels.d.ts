/**
 * Labels of canonical text with their names escaped. Names without quotes are legacy names, which no scheme changes, so that
 * nearly everything is copied.
 */
import type { EscapingScheme } from '../../model/page-format.ts';
export declare class LabelEscaper {
  #private;
  /** What was written since the last `reset`, up to `length`. */
  bytes: Uint8Array;
  length: number;
  constructor(scheme: EscapingScheme);
  /** Notes the names of the labels from `start` to `end`. */
  meet(bytes: Uint8Array, start: number, end: number): void;
  /** Whether no two of the names that were met are the same once they are escaped, and none is reserved then. */
  areNamesDistinct(): boolean;
  reset(): void;
  /** Appends bytes as they are. */
  copy(bytes: Uint8Array, start: number, end: number): void;
  byte(byte: number): void;
  /** Appends the labels from `start` to `end`, `a="b",c="d"`. */
  labels(bytes: Uint8Array, start: number, end: number): void;
}
