/** What a sample of OpenMetrics may be, given what it is to its family. */
import { PushProblem } from '../../model/errors.ts';
import { formatFloat64, parseFloat64 } from '../../primitives/float.ts';
import { quote, shorten } from '../../primitives/quote.ts';
import { Role } from './family-types.ts';
import type { FamilyType } from './family-types.ts';
import type { Sample } from './parse-sample.ts';

/** Whether the value can stand there. What the sink checks of every format is not checked here. */
export function isGoodValue(type: FamilyType, role: number, value: number, isStrict: boolean): boolean {
  switch (role) {
    case Role.INFO:
      return value === 1;
    case Role.SUM:
      // One that is not finite is left out, and the rest of its histogram counts.
      return !isStrict || !(value < 0) || value === Number.NEGATIVE_INFINITY;
    case Role.COUNT:
    case Role.GCOUNT:
    case Role.BUCKET:
      return value >= 0 && (!isStrict || Number.isInteger(value));
    case Role.OWN:
      if (type.name === 'stateset') return value === 0 || value === 1;
      return !isStrict || type.name !== 'summary' || !(value < 0);
    default:
      return true;
  }
}

/** What is wrong with a value that is not good; `series` is as the sender wrote it. */
export function valueProblem(
  series: string,
  value: number,
  is: { readonly type: FamilyType; readonly role: number; readonly offset: number },
): PushProblem {
  const message = `${shorten(series)} is ${formatFloat64(value)}; ${adviceFor(is.type, is.role)}`;
  return new PushProblem('invalid_value', message, is.offset);
}

function adviceFor(type: FamilyType, role: number): string {
  switch (role) {
    case Role.INFO:
      return 'the value of an info must be 1';
    case Role.SUM:
      return `the sum of a ${type.name} must not be negative in OpenMetrics`;
    case Role.COUNT:
    case Role.GCOUNT:
    case Role.BUCKET:
      return 'counts must be non-negative integers';
    default:
      return type.name === 'stateset'
        ? 'a state must be 0 or 1'
        : 'the value of a quantile must not be negative in OpenMetrics';
  }
}

/** The label that tells the samples of one metric apart; empty for none. */
export function reservedLabel(type: FamilyType, role: number, family: string): string {
  if (role === Role.BUCKET) return 'le';
  if (role !== Role.OWN) return '';
  return type.name === 'summary' ? 'quantile' : type.name === 'stateset' ? family : '';
}

/** Throws a PushProblem where the label is missing or wrong that tells the samples of one metric apart. */
export function checkReserved(sample: Sample, type: FamilyType, role: number, family: string): void {
  const reserved = reservedLabel(type, role, family);
  if (reserved === '') return;
  const text = sample.labels.find(({ name }) => name === reserved)?.value;
  const found = text === undefined ? 'is missing' : `is ${quote(text)}`;
  const refuse = (advice: string): never => {
    throw new PushProblem(
      reserved === 'le' ? 'invalid_histogram' : 'syntax',
      `the label ${shorten(reserved)} of ${shorten(sample.name)} ${found}; ${advice}`,
      sample.start,
    );
  };
  if (type.name === 'stateset') {
    if (text === undefined) refuse('it must name the state');
    return;
  }
  const number = text === undefined ? undefined : parseFloat64(text);
  if (reserved === 'quantile') {
    if (number === undefined || !(number >= 0 && number <= 1)) refuse('it must be a number from 0 to 1');
  } else if (
    number === undefined ||
    Number.isNaN(number) ||
    (!Number.isFinite(number) && !/^[+-]Inf$/.test(text!))
  ) {
    refuse('it must be a number or +Inf');
  }
}
