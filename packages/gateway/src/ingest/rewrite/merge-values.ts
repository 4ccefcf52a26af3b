/** One value of several series that became equal. */
import { ExactSums } from '../../primitives/exact-sums.ts';
import type { GaugePolicy } from '../../rules/rules.ts';

const sums = new ExactSums();
for (const _ of sums.reserve(1, function* (from, to) {
  to.set(from);
  yield;
  return to;
}));

/** The sum, correctly rounded. All must be finite. */
export function exactSum(values: readonly number[]): number {
  sums.set(0, 0);
  for (const value of values) sums.add(0, value);
  return sums.get(0);
}

/** In the order of the body, at least one, and none of them NaN. */
export function mergedGauge(values: readonly number[], policy: GaugePolicy): number {
  switch (policy) {
    case 'sum':
      return exactSum(values);
    case 'last':
      return values.at(-1)!;
    case 'min':
      return values.reduce((a, b) => Math.min(a, b));
    case 'max':
      return values.reduce((a, b) => Math.max(a, b));
    case 'avg':
      return values.every(Number.isFinite)
        ? exactSum(values) / values.length
        : values.reduce((a, b) => a + b) / values.length;
    case 'count':
      // What it is does not matter: its source has the series.
      return values.at(-1)!;
  }
}
