/** Why a push cannot be what the rules make of it. */
import { PushProblem } from '../../model/errors.ts';
import type { MetricType } from '../../model/metric-type.ts';
import { shorten } from '../../primitives/quote.ts';
import type { PushedFamily } from './pushed-families.ts';
import type { RewrittenFamily } from './rewritten-push.ts';

/** `what` is said of the sample, as in "loses its label le". */
export function torn(
  sample: {
    readonly family: Pick<PushedFamily, 'name'>;
    readonly type: MetricType | undefined;
    readonly text: string;
    readonly offset: number;
  },
  what: string,
): PushProblem {
  const { family, type, text, offset } = sample;
  return new PushProblem(
    'invalid_histogram',
    `the rules tear the ${type} ${shorten(family.name)} apart: ${shorten(text)} ${what}`,
    offset,
  );
}

export function unnamed(series: string, rule: string, offset: number): PushProblem {
  return new PushProblem(
    'invalid_name',
    `${rule} leaves ${shorten(series)} without a metric name; keep the label __name__`,
    offset,
  );
}

export function namelessLabel(series: string, rule: string, offset: number): PushProblem {
  return new PushProblem('invalid_name', `${rule} gives ${shorten(series)} a label without a name`, offset);
}

export function typesMeet(family: RewrittenFamily, other: PushedFamily, offset: number): PushProblem {
  return new PushProblem(
    'type_conflict',
    `the rules make ${shorten(family.name)} of the ${family.type} ${shorten(family.typedBy!.name)} and of the ${other.type} ${shorten(other.name)}; give one of them another name`,
    offset,
  );
}

export function cutHistogram(series: string, rule: string, offset: number): PushProblem {
  return new PushProblem(
    'invalid_histogram',
    `${rule} drops the count and the bucket le="+Inf" of the histogram of ${shorten(series)}; keep one of them, or drop all of its samples`,
    offset,
  );
}
