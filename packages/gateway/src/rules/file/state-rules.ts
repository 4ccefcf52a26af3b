import type { Rules } from '../rules.ts';

/**
 * What of the rules the state acts upon, as text: it is the same for the same rules, and part of records and snapshots. Undefined where
 * they say nothing of it. `ttlMs` is what holds for series of which no rule says it; 0 for ever.
 */
export function stateRulesOf({ metrics }: Rules, ttlMs: number = 0): string | undefined {
  const rules = metrics
    .filter(
      ({ gauge, ttlMs, summary, buckets }) =>
        gauge !== undefined || ttlMs !== undefined || summary !== undefined || buckets !== undefined,
    )
    .map(({ match, gauge, windowMs, ttlMs, summary, buckets }) => ({
      match: match?.text,
      gauge,
      window: windowMs,
      ttl: ttlMs,
      summary,
      buckets,
    }));
  const last = ttlMs > 0 ? [{ ttl: ttlMs }] : [];
  return rules.length + last.length === 0 ? undefined : JSON.stringify([...rules, ...last]);
}
