/** The last hour of a family or a series, as it is drawn: counters by their rate. */
import { formatBound } from '../../exposition/openmetrics/format-bound.ts';
import { hasStartTimes } from '../../store/families.ts';
import { isDistribution } from '../../model/metric-type.ts';
import type { MetricType } from '../../model/metric-type.ts';
import { POINTS, STEP_MS } from './points.ts';
import type { Points } from './points.ts';

const SECONDS = STEP_MS / 1000;
/** Steps over which quantiles are of what came. */
const QUANTILE_STEPS = 4;
const quantiles = [0.5, 0.9, 0.99] as const;

type Numbers = readonly (number | null)[];

export interface HistoryAnswer {
  readonly stepSeconds: number;
  /** Of the first point, in seconds since the Unix epoch. */
  readonly begin: number;
  readonly kind: 'rate' | 'value' | 'count_rate';
  readonly points: Numbers;
  readonly quantiles?: Readonly<Record<string, Numbers>>;
  /** How many observations in a second were in each bucket, not cumulative. */
  readonly buckets?: readonly { readonly le: string; readonly points: Numbers }[];
}

interface Drawn {
  readonly type: MetricType;
  readonly points: Points | undefined;
  /** Of a histogram. */
  readonly buckets: ReadonlyMap<number, Points> | undefined;
  readonly step: number;
  readonly wallOffsetMs: number;
}

export function historyOf({ type, points, buckets, step, wallOffsetMs }: Drawn): HistoryAnswer {
  const first = step - POINTS + 1;
  const steps = Array.from({ length: POINTS }, (_, i) => first + i);
  const kind = isDistribution(type) ? 'count_rate' : hasStartTimes(type) ? 'rate' : 'value';
  const pointAt = (at: number): number | null => {
    if (points === undefined) return null;
    return kind === 'value' ? finite(points.at(at)) : rateAt(points, at, 1);
  };
  const bounds = [...(buckets ?? [])].sort(([a], [b]) => a - b);
  return {
    stepSeconds: SECONDS,
    begin: (first * STEP_MS + wallOffsetMs) / 1000,
    kind,
    points: steps.map(pointAt),
    ...(bounds.length > 0 && {
      quantiles: Object.fromEntries(
        quantiles.map((quantile) => [String(quantile), steps.map((at) => quantileAt(bounds, at, quantile))]),
      ),
      buckets: bounds.map(([bound, own]) => ({
        le: formatBound(bound),
        points: steps.map((at) => rateAt(own, at, 1)),
      })),
    }),
  };
}

/** By how much it grew in a second, over some steps; null where that is not known, or it began again. */
export function rateAt(points: Points, step: number, steps: number): number | null {
  const grown = points.at(step) - points.at(step - steps);
  return grown >= 0 ? finite(grown / (steps * SECONDS)) : null;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** As histogram_quantile of PromQL has it, for bounds that grow. */
function quantileAt(
  bounds: readonly (readonly [bound: number, points: Points])[],
  step: number,
  quantile: number,
): number | null {
  const rates = bounds.map(([, points]) => rateAt(points, step, QUANTILE_STEPS));
  const total = rates.reduce<number>((sum, rate) => sum + (rate ?? 0), 0);
  if (total === 0) return null;
  const rank = quantile * total;
  let below = 0;
  for (const [place, rate] of rates.entries()) {
    const own = rate ?? 0;
    if (below + own < rank || own === 0) {
      below += own;
      continue;
    }
    const upper = bounds[place]![0];
    const lower = place === 0 ? Math.min(0, upper) : bounds[place - 1]![0];
    // Nothing is known of what is beyond the last bound.
    if (upper === Infinity) return place === 0 ? null : finite(lower);
    return lower + ((upper - lower) * (rank - below)) / own;
  }
  return null;
}
