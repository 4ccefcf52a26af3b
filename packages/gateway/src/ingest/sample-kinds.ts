/** What the name and the labels of a sample make of it, given the type of its family. */
import type { Label } from '../model/labels.ts';
import { PushProblem } from '../model/errors.ts';
import { hasBuckets } from '../model/metric-type.ts';
import { parseFloat64 } from '../primitives/float.ts';
import { quote, shorten } from '../primitives/quote.ts';
import type { PushFamily } from '../store/batch.ts';
import type { Route } from './push-families.ts';
import type { Limits } from '../store/limits.ts';
import { AccumulatorKind, rowKindOf } from '../store/policies.ts';

/** What of a route says what its samples are. */
interface Kind {
  readonly family: Pick<PushFamily, 'type'>;
  readonly role: Route['role'];
}

/** What a sample of this name is; throws a PushProblem when its family has no such sample. */
export function kindOf({ family, role }: Kind, name: string, offset: number): AccumulatorKind {
  const ofRow = rowKindOf(family);
  if (ofRow !== undefined) return ofRow;
  if (role === '_bucket') return AccumulatorKind.BUCKET;
  if (role !== 'own') return role === '_sum' ? AccumulatorKind.SUM : AccumulatorKind.COUNT;
  throw new PushProblem(
    'type_conflict',
    `${shorten(name)} is a ${family.type}; its samples are ${shorten(name)}_bucket, ${shorten(name)}_sum and ${shorten(name)}_count`,
    offset,
  );
}

/** The labels that the samples of one histogram or summary share. */
export function compositeLabels(
  { family, role }: Kind,
  name: string,
  labels: readonly Label[],
  offset: number,
): readonly Label[] {
  const reserved = hasBuckets(family.type) ? 'le' : 'quantile';
  const stray = labels.some((label) => label.name === reserved && label.value !== '');
  if (role === '_bucket') {
    if (!stray)
      throw new PushProblem('invalid_histogram', `${shorten(name)} is a bucket without an le label`, offset);
    return labels.filter((label) => label.name !== 'le');
  }
  if (stray) {
    throw new PushProblem(
      'invalid_histogram',
      `the label ${reserved} is not allowed on ${shorten(name)}`,
      offset,
    );
  }
  return labels;
}

/** The bound that the label `le` of a bucket spells. */
export function upperBound(name: string, labels: readonly Label[], offset: number): number {
  const text = labels.find((label) => label.name === 'le')!.value;
  const bound = parseFloat64(text);
  if (bound !== undefined && !Number.isNaN(bound)) return bound === 0 ? 0 : bound;
  throw new PushProblem(
    'invalid_histogram',
    `the label le of ${shorten(name)} is ${quote(text)}, not a number`,
    offset,
  );
}

/** Whether a series of so many labels, and bytes of text at the most, is within the limits for one series; to be checked in full otherwise. */
export function isWithinSeriesLimits(
  { labelsMax, seriesBytesMax }: Limits,
  labels: number,
  bytes: number,
): boolean {
  return labels <= labelsMax && bytes <= seriesBytesMax;
}

/** Throws a PushProblem for a series with too many labels, or too long a text. */
export function checkSeriesLimits(limits: Limits, labelCount: number, text: string, offset: number): void {
  if (isWithinSeriesLimits(limits, labelCount, text.length * 3)) return;
  const { labelsMax, seriesBytesMax } = limits;
  if (labelCount > labelsMax) {
    throw new PushProblem(
      'labels_limit',
      `the series ${shorten(text)} has ${labelCount} labels, more than ${labelsMax} (--limit.labels)`,
      offset,
    );
  }
  if (Buffer.byteLength(text) > seriesBytesMax) {
    throw new PushProblem(
      'labels_limit',
      `name and labels of the series ${shorten(text)} are longer than ${seriesBytesMax} bytes (--limit.series-bytes)`,
      offset,
    );
  }
}

/** What the path adds to each series of a push. */
export interface PathLabels {
  readonly labels: readonly Label[];
  /** Series without an instance get an empty one, so that a scraper does not give them its own. */
  readonly emptyInstance: boolean;
}

export const noPathLabels: PathLabels = { labels: [], emptyInstance: false };

/** Says that a series has no instance. */
export const emptyInstance: Label = { name: 'instance', value: '', isShownEmpty: true };

/** The labels of a sample with those of the path, which win. */
export function withPathLabels(labels: readonly Label[], path: PathLabels): readonly Label[] {
  if (path.labels.length === 0) return labels;
  const merged = labels.filter((label) => !path.labels.some(({ name }) => name === label.name));
  merged.push(...path.labels);
  if (!path.emptyInstance || merged.some(({ name, value }) => name === 'instance' && value !== ''))
    return merged;
  return [...merged.filter(({ name }) => name !== 'instance'), emptyInstance];
}

export function duplicateSeries(text: string, offset: number): PushProblem {
  return new PushProblem(
    'duplicate_series',
    `${shorten(text)} appears twice in this push; send each series once`,
    offset,
  );
}
