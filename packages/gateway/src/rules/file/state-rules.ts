import type { Rules } from '../rules.ts';

/**
 * What of the rules the state acts upon, as text: it is the same for the same rules, and part of records and snapshots. Undefined where
 * they say nothing of it.
 */
export function stateRulesOf({ metrics }: Rules): string | undefined {
  const rules = metrics
    .filter(({ gauge }) => gauge !== undefined)
    .map(({ match, gauge }) => ({ match: match?.text, gauge }));
  return rules.length === 0 ? undefined : JSON.stringify(rules);
}
