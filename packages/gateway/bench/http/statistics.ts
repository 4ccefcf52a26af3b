/** The few figures that are made of many. */

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The nearest rank: a value that was measured, never one between two. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('no value was measured');
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new Error('no value was measured');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
