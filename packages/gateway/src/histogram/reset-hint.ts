/** What a sender says of a histogram: whether it is a counter, and whether that began anew just before. */
export type ResetHint = 'unknown' | 'reset' | 'no-reset' | 'gauge';

/** The hint of a sum or difference. `collides` says that one of the two was reset and the other was not: worth a warning. */
export function mergeHints(
  a: ResetHint,
  b: ResetHint,
): { readonly hint: ResetHint; readonly collides: boolean } {
  if (a === b) return { hint: a, collides: false };
  if (a === 'gauge' || b === 'gauge') return { hint: 'gauge', collides: false };
  return { hint: 'unknown', collides: a !== 'unknown' && b !== 'unknown' };
}
