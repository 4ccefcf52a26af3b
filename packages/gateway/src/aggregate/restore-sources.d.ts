import type { Pace } from './pace.ts';
import type { CellRestorer } from './restore-cells.ts';
import type { PartReader } from './snapshot-parts.ts';
import type { Sources } from './sources.ts';
export declare class SourceRestorer {
  #private;
  constructor(
    sources: Sources,
    cells: CellRestorer,
    {
      count,
      pace,
    }: {
      readonly count: number;
      readonly pace: Pace;
    },
  );
  takeSources(part: PartReader): Generator<void, void>;
  takeContributions(part: PartReader): Generator<void, void>;
  /** `contributions` is how many there were when the snapshot was taken. */
  end(contributions: number): Generator<void, void>;
}
