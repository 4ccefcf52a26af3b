/** What protobuf can say and this gateway cannot add up yet. */
import { PushProblem } from '../../model/errors.ts';

export function nativeHistogram(name: string, offset: number): PushProblem {
  return new PushProblem(
    'unsupported_type',
    `${name} is a native histogram without classic buckets, which cannot be added up yet; give it classic buckets as well`,
    offset,
  );
}

export function unsupportedType(name: string, type: string, offset: number): PushProblem {
  return new PushProblem(
    'unsupported_type',
    `${name} has the type ${type}; counters, gauges, histograms, summaries and untyped metrics are read`,
    offset,
  );
}
