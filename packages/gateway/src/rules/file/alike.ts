import type { Selector } from '../selector.ts';
import type { Located } from './kinds.ts';

/** The same text for all entries that match the same, as far as can be said by the matchers. Empty where there is no match. */
export function matchOf(
  entry: { readonly keys: { readonly match?: Located<Selector> } } | undefined,
): string {
  const matchers = entry?.keys.match?.value.matchers;
  return matchers === undefined
    ? ''
    : JSON.stringify(matchers.map(({ label, op, value }) => JSON.stringify([label, op, value])).toSorted());
}
