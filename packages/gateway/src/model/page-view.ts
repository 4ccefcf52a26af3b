import type { MetricType } from './metric-type.ts';

/** The state at one point in time. An encoder reads it while pushes go on, and must close it. */
export interface PageView {
  /** The families with rows, by name. Sorting takes steps of about a millisecond. */
  families(): Generator<void, readonly FamilyView[]>;
  close(): void;
}

export interface FamilyView {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string | undefined;
  /** True when the family's or a label's name needs quotes, so that samples cannot be copied as they are. */
  readonly quotedNames: boolean;
  /** The same object in every view. Views in which a family has the same version show the same of it. */
  readonly identity: object;
  readonly version: number;
  /** Rows: one for each counter, gauge or untyped series, one for each whole histogram. */
  readonly rowCount: number;
  /** Sorts the rows. Each step ends after a few milliseconds at most; `visit` is valid once the last one is done. */
  sort(): Iterable<void>;
  /**
   * Hands over the samples of the rows from `from` up to `to`, in exposition order, each as the bytes of its name and labels
   * and its value.
   */
  visit(from: number, to: number, visitor: SampleVisitor): void;
}

/** The bytes are valid only during the call. */
export type SampleVisitor = (bytes: Uint8Array, start: number, end: number, value: number) => void;
