/** What is known of series keys stays of use where more senders push than there is room for. */
import { expect, test } from 'vitest';

import { groupingKey } from '../../src/model/labels.ts';
import { PlacementMemo } from '../../src/ingest/rewrite/placement-memo.ts';
import { rulesForPath } from '../../src/ingest/rewrite/push-rules.ts';
import { noRules } from '../../src/rules/rules.ts';

const ofJob = (job: string): ReturnType<typeof rulesForPath> =>
  rulesForPath(noRules, groupingKey([{ name: 'job', value: job }]), {
    byJob: false,
    counterResets: 'overwrite',
    pathLabels: 'add',
    emptyInstance: false,
  });

test('who is known when it is full stays known, and others are not learnt for a while', () => {
  // Room for the tables of two paths, and a byte too little for the third.
  const memo = new PlacementMemo(1, 3 * 4096);
  const tables = ['a', 'b', 'c'].map((job) => memo.tableFor(ofJob(job), 'text'));
  expect(memo.isOfUse(ofJob('a'), 'text')).toBe(true);
  expect(memo.isOfUse(ofJob('d'), 'text')).toBe(false);
  expect(memo.tableFor(ofJob('a'), 'text')).toBe(tables[0]);
  expect(memo.tableFor(ofJob('d'), 'text')).toBe(memo.tableFor(ofJob('e'), 'text'));
  for (let push = 0; push < 200_000 && !memo.isOfUse(ofJob('d'), 'text'); push += 1);
  expect(memo.tableFor(ofJob('d'), 'text')).toBe(memo.tableFor(ofJob('d'), 'text'));
  expect(memo.tableFor(ofJob('d'), 'text')).not.toBe(memo.tableFor(ofJob('e'), 'text'));
});

test('other rules are learnt at once', () => {
  const memo = new PlacementMemo(1, 1);
  memo.tableFor(ofJob('a'), 'text');
  const other = { ...ofJob('b'), rules: { ...noRules } };
  expect(memo.isOfUse(other, 'text')).toBe(true);
  expect(memo.tableFor(other, 'text')).not.toBe(memo.tableFor(ofJob('a'), 'text'));
});
