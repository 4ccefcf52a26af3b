/** The web vitals as histograms, out of what the package `web-vitals` measures. */
import type { Gateway } from './client.ts';

/** What the callbacks of `web-vitals` are called with, as far as it matters here. */
export interface Vital {
  readonly name: string;
  /** Milliseconds; of CLS a number without a unit. */
  readonly value: number;
  /** Of this metric of this page view. */
  readonly id: string;
}

/** With the bounds of what is good and what is poor among them. */
const vitals = {
  CLS: ['web_cls', 'Cumulative layout shift.', 1, [0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1]],
  FCP: ['web_fcp_seconds', 'First contentful paint.', 1000, [0.5, 1, 1.8, 2.4, 3, 5, 10]],
  INP: ['web_inp_seconds', 'Interaction to next paint.', 1000, [0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5]],
  LCP: ['web_lcp_seconds', 'Largest contentful paint.', 1000, [0.5, 1, 1.75, 2.5, 3.25, 4, 6, 10]],
  TTFB: ['web_ttfb_seconds', 'Time to first byte.', 1000, [0.1, 0.2, 0.4, 0.8, 1.3, 1.8, 3, 6]],
} as const;

/** Ids that are remembered: there are five for each page view. */
const IDS_MAX = 500;

/**
 * What to hand over to `web-vitals`. Each metric of a page view is observed once, with the value that comes first, as an observation cannot be
 * taken back: `web-vitals` reports it when it is final, or when the page is hidden.
 *
 * @example
 * import { onCLS, onINP, onLCP } from 'web-vitals';
 * const report = webVitals(metrics);
 * for (const on of [onCLS, onINP, onLCP]) on(report);
 */
export function webVitals(metrics: Pick<Gateway, 'histogram'>): (vital: Vital) => void {
  const seen = new Set<string>();
  return ({ name, value, id }) => {
    if (!Object.hasOwn(vitals, name) || seen.has(id)) return;
    if (seen.size >= IDS_MAX) seen.clear();
    seen.add(id);
    const [metric, help, divisor, buckets] = vitals[name as keyof typeof vitals];
    metrics.histogram({ name: metric, help, buckets }).observe(value / divisor);
  };
}
