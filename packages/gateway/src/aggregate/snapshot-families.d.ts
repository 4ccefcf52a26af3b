import type { Families, Family } from './families.ts';
import type { Pace } from './pace.ts';
import type { Part, PartReader } from './snapshot-parts.ts';
/** All that a family may change, as it was; its name and id stay. */
export interface FrozenFamilies {
  readonly families: readonly Family[];
  readonly types: Uint8Array;
  readonly flags: Uint8Array;
  readonly helps: readonly (string | undefined)[];
  readonly units: readonly (string | undefined)[];
}
export declare function freezeFamilies(all: Families, pace: Pace): Generator<void, FrozenFamilies>;
export declare function familyParts({
  families,
  types,
  flags,
  helps,
  units,
}: FrozenFamilies): Generator<Part, void>;
export declare function restoreFamilies(
  part: PartReader,
  {
    families,
    pace,
  }: {
    readonly families: Families;
    readonly pace: Pace;
  },
): Generator<void, void>;
