/**
 * Collects the bytes of a page into slices. What it hands out is never written to afterwards, so that a slice may be kept and
 * shown again.
 */
import type { SampleVisitor } from '../model/page-view.ts';
/** Large enough that handing a slice on costs next to nothing, and small enough to be written without a pause. */
export declare const SLICE_BYTES: number;
export declare class PageWriter {
  #private;
  /** Slices that are done, for the reader to take away. */
  readonly slices: Uint8Array[];
  /** Where the next byte goes in what `room` returns. */
  position: number;
  readonly sample: SampleVisitor;
  /** A place for so many bytes from `position` on. What is written there counts once `position` is moved behind it. */
  room(bytes: number): Buffer;
  /** Bytes that may change afterwards. */
  copy(bytes: Uint8Array): void;
  text(text: string): void;
  /** Bytes that will not change, from an earlier page or made apart from it. */
  again(slice: Uint8Array): void;
  /** Makes a slice of what is there so far. */
  flush(): void;
  /** From here on what is written is recorded as well, up to so many bytes. */
  record(bytesMax: number): void;
  /** What was written since `record`; undefined when that was too much. */
  recorded(): readonly Uint8Array[] | undefined;
  /**
   * Stops recording where all of it would be too much, going by the part of it that has been written so far: the sooner, the
   * less memory is taken for nothing.
   */
  foresee(part: number): void;
}
