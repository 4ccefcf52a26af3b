/** The metric types of OpenMetrics: which samples each has, and as what it is aggregated. */
import type { MetricType } from '../../model/metric-type.ts';
/** What a sample is to its family, told by what its name adds to the family's; bits, so that a type can hold several. */
export declare const Role: {
  readonly NONE: 0;
  readonly OWN: 1;
  readonly TOTAL: 2;
  readonly CREATED: 4;
  readonly BUCKET: 8;
  readonly SUM: 16;
  readonly COUNT: 32;
  readonly INFO: 64;
  /** Sum and count of a gauge histogram. */
  readonly GSUM: 128;
  readonly GCOUNT: 256;
};
export interface FamilyType {
  readonly name: string;
  readonly roles: number;
  /** Type and name of the family that the samples go to. */
  readonly as: MetricType;
  readonly suffix: '' | '_total' | '_info';
  /** Names besides the family's own that no other family may have, nor its samples. */
  readonly claims: readonly string[];
  /** Whether samples that are known and not negative are good without another look. */
  readonly isPlain: boolean;
}
export declare const familyTypes: ReadonlyMap<string, FamilyType>;
/** The type whose name the bytes from `start` to `end` are. */
export declare function typeAt(view: DataView, start: number, end: number): FamilyType | undefined;
export declare const UNDECLARED: FamilyType;
/** A counter whose family was named as its samples are; lenient only. */
export declare const MISNAMED_COUNTER: FamilyType;
/** The role that a suffix stands for, or `Role.NONE`. */
export declare function roleOf(suffix: string): number;
/** The suffix that the name ends in and that some type gives a meaning to. */
export declare function suffixOf(name: string): string | undefined;
/** The role of the bytes from `start` to the end of the sample's name, or `Role.NONE`. */
export declare function roleAt(view: DataView, start: number, end: number): number;
