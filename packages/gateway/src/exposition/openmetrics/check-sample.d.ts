/** What a sample of OpenMetrics may be, given what it is to its family. */
import { PushProblem } from '../../model/errors.ts';
import type { FamilyType } from './family-types.ts';
import type { Sample } from './parse-sample.ts';
/** Whether the value can stand there. What the sink checks of every format is not checked here. */
export declare function isGoodValue(
  type: FamilyType,
  role: number,
  value: number,
  isStrict: boolean,
): boolean;
/** What is wrong with a value that is not good; `series` is as the sender wrote it. */
export declare function valueProblem(
  series: string,
  value: number,
  is: {
    readonly type: FamilyType;
    readonly role: number;
    readonly offset: number;
  },
): PushProblem;
/** The label that tells the samples of one metric apart; empty for none. */
export declare function reservedLabel(type: FamilyType, role: number, family: string): string;
/** Throws a PushProblem where the label is missing or wrong that tells the samples of one metric apart. */
export declare function checkReserved(sample: Sample, type: FamilyType, role: number, family: string): void;
