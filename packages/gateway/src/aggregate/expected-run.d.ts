import type { Batch } from './batch.ts';
import type { Cells } from './cells.ts';
/** How far a push has come. */
export interface Cursor {
  /** Names this push in `seen`. */
  serial: number;
  /** By cell: the push that last had a sample of it. */
  seen: Uint32Array;
  /** The cell after the last one known, which is the best guess at what comes next. */
  nextCell: number;
  /** Of the last sample known. */
  family: number;
  /** `readExpected` stopped because it was another text than that of `nextCell`; there is no need to compare again. */
  missed: boolean;
}
/** Puts the cursor at the beginning of another push; true when serials begin anew, so that no stamp means anything. */
export declare function beginPush(cursor: Cursor, cells: number): boolean;
/** What `readExpected` writes to. */
export interface ExpectedRun {
  /** Whether to stop where the samples of another family begin. */
  withinFamily: boolean;
  readonly cells: Cells;
  readonly batch: Batch;
  readonly cursor: Cursor;
  /** Told of each family that has samples. */
  readonly families: {
    sampleKnown(family: number): void;
  };
}
/**
 * Reads lines from `start` on into the batch, as long as each is the text of the next cell, a blank, and a plain decimal of zero
 * or more; returns where the first other line begins. Such a number is good for a cell of any kind, so nothing is
 * checked here but that no cell is given twice.
 */
export declare function readExpected(view: DataView, start: number, end: number, run: ExpectedRun): number;
