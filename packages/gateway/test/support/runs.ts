/**
 * How often properties are tried. Every day a part is enough, as each run tries other inputs; PROPERTY_RUNS=all tries as often as
 * is written, and .ci/run does that once; PROPERTY_RUNS=long, of `.ci/run --long`, four times as often.
 */
const EVERYDAY_PART = 1 / 12;
const RUNS_MIN = 5;
const LONG_TIMES = 4;

const asked = process.env['PROPERTY_RUNS'];
/** Whether everything is tried as often as is written, or more often. */
export const triesAll: boolean = asked === 'all' || asked === 'long';

/** So many of `all` as are tried now; more than usual where a test counts in the end what has come. */
export function runs(all: number, min: number = RUNS_MIN): number {
  if (asked === 'long') return all * LONG_TIMES;
  return triesAll ? all : Math.min(all, Math.max(min, Math.ceil(all * EVERYDAY_PART)));
}
