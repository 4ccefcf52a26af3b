/**
 * How often properties are tried. Every day a small part is enough, as each run tries other inputs; PROPERTY_RUNS=some, of `.ci/run`, tries more of
 * them, and PROPERTY_RUNS=all, of `.ci/run --long`, as many as are written. PROPERTY_RUNS=few is for lines of Node beside the one that tries more.
 */
const parts: Readonly<Record<string, number>> = { few: 1 / 60, some: 1 / 6, all: 1 };
const EVERYDAY_PART = 1 / 20;
const RUNS_MIN = 5;

const asked = process.env['PROPERTY_RUNS'] ?? '';
/** Whether what is gone through step by step is gone through in small steps. */
export const triesAll: boolean = asked === 'all';

/** So many of `all` as are tried now; more than usual where a test counts in the end what has come. */
export function runs(all: number, min: number = RUNS_MIN): number {
  return Math.min(all, Math.max(min, Math.ceil(all * (parts[asked] ?? EVERYDAY_PART))));
}
