/**
 * How often properties are tried. Every day a part is enough, as each run tries other inputs; PROPERTY_RUNS=all tries as often as
 * is written, and .ci/run does that once.
 */
const EVERYDAY_PART = 1 / 12;
const RUNS_MIN = 5;

/** Whether everything is tried as often as is written. */
export const triesAll: boolean = process.env['PROPERTY_RUNS'] === 'all';

/** So many of `all` as are tried now; more than usual where a test counts in the end what has come. */
export function runs(all: number, min: number = RUNS_MIN): number {
  return triesAll ? all : Math.min(all, Math.max(min, Math.ceil(all * EVERYDAY_PART)));
}
