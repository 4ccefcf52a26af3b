import type { Batch } from './batch.ts';
import type { Cells } from './cells.ts';
/** Works on one batch at a time, with columns that are used again. */
export declare class HistogramSettler {
  #private;
  constructor(batch: Batch, cells: Cells);
  /** Throws a PushProblem for the first histogram that is wrong. */
  settle(): void;
}
/** The series of a cell as shown in a message: cut where it is long. */
export declare function shownText(batch: Batch, cells: Cells, cell: number): string;
export declare function shorten(text: string): string;
