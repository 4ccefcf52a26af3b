/** What the name and the labels of a sample make of it, given the type of its family. */
import type { Label } from '../model/labels.ts';
import { PushProblem } from '../model/errors.ts';
import { CellKind } from './cells.ts';
import type { Route } from './push-families.ts';
import type { Limits } from './rules.ts';
/** What a sample of this name is; throws a PushProblem when its family has no such sample. */
export declare function kindOf({ family, role }: Route, name: string, offset: number): CellKind;
/** The labels that the samples of one histogram or summary share. */
export declare function groupLabels(
  { family, role }: Route,
  name: string,
  labels: readonly Label[],
  offset: number,
): readonly Label[];
/** The bound that the label `le` of a bucket spells. */
export declare function upperBound(name: string, labels: readonly Label[], offset: number): number;
/** Throws a PushProblem for a series with too many labels, or too long a text. */
export declare function checkSeriesLimits(
  limits: Limits,
  labelCount: number,
  text: string,
  offset: number,
): void;
/** The labels of a sample with those of the path, which win. */
export declare function withPathLabels(labels: readonly Label[], path: readonly Label[]): readonly Label[];
export declare function duplicateSeries(text: string, offset: number): PushProblem;
