/** What is shown of the rates of tokens. */
import { expect, test } from 'vitest';

import { takeBytes, takePush, Tokens } from '../../src/access/tokens.ts';
import type { TokenRule } from '../../src/rules/access.ts';

const none = {
  pushesPerSecond: undefined,
  burst: undefined,
  bytesPerSecond: undefined,
  body: undefined,
  seriesMax: undefined,
  newSeriesPerHour: undefined,
  onLimit: 'refuse',
} as const;

function tokenOf(name: string, limits: Partial<TokenRule['limits']>): TokenRule {
  return {
    name,
    sha256: name.repeat(64),
    may: new Set(),
    sources: undefined,
    origins: undefined,
    inUrl: false,
    series: undefined,
    limits: { ...none, ...limits },
    expiresMs: undefined,
  };
}

test('what is used of rates comes back with time', () => {
  let nowMs = 0;
  const tokens = new Tokens(() => nowMs);
  const limits = {
    pushesPerSecond: 2,
    burst: 10,
    bytesPerSecond: 100,
    newSeriesPerHour: 3600,
    onLimit: 'drop',
  } as const;
  tokens.set([tokenOf('a', limits), tokenOf('b', { pushesPerSecond: 5 }), tokenOf('c', { seriesMax: 3 })]);
  const a = tokens.findBySha256('a'.repeat(64))!;
  for (let i = 0; i < 4; i += 1) takePush(a);
  takeBytes(a, 5_000);
  a.allowance.newLeft!.overdraw(100);
  expect(tokens.rates()).toEqual([
    { token: 'a', name: 'pushes_per_second', used: 4, max: 10, onLimit: 'refuse' },
    { token: 'a', name: 'bytes_per_second', used: 5_000, max: 1_000, onLimit: 'refuse' },
    { token: 'a', name: 'new_series_per_hour', used: 100, max: 3_600, onLimit: 'drop' },
    { token: 'b', name: 'pushes_per_second', used: 0, max: 5, onLimit: 'refuse' },
  ]);
  nowMs = 1_500;
  expect(tokens.rates().map(({ used }) => used)).toEqual([1, 4_850, 98.5, 0]);
});
