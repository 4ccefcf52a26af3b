/** What promtool says of entries of metric_relabel_configs, and what we do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { readRules } from '../../src/rules/file/read-rules.ts';
import { relabelActions } from '../../src/rules/rules.ts';
import { temporaryFolder } from '../support/folders.ts';
import { program, run } from '../support/programs.ts';

const entries = fc.record(
  {
    action: fc.constantFrom(...relabelActions, 'Drop', 'remove', ''),
    source_labels: fc.constantFrom([], ['a'], ['__name__', 'b']),
    separator: fc.constantFrom(';', ',', '', 1),
    regex: fc.constantFrom('(.*)', 'a|b', '', '(', 'a(?=b)', 5),
    // promtool takes 8.5 as 8.
    modulus: fc.constantFrom(1, 8, -1),
    target_label: fc.constantFrom('a', '', '${1}_b', '$1', 'a$', '${', 'b_${x}_c'),
    replacement: fc.constantFrom('$1', '', 'x', '${1}_y', '${'),
  },
  { requiredKeys: [] },
);

/** Since version 3 a name may be any text, so one with a dollar as well. */
function isOfAllVersions({ action = 'replace', target_label: target = '' }): boolean {
  return !target.includes('$') || !/^(?:hashmod|lowercase|uppercase|keepequal|dropequal)$/.test(action);
}

test('entries that promtool refuses are refused, and those that it takes are accepted', async () => {
  const folder = temporaryFolder();
  const promtool = program('promtool', 'prometheus');
  const isTaken = async (entry: object, number: number): Promise<boolean> => {
    const path = join(folder, `${number}.yml`);
    const scrape = { job_name: 'a', metric_relabel_configs: [entry] };
    writeFileSync(path, JSON.stringify({ scrape_configs: [scrape] }));
    return (await run(promtool, ['check', 'config', path])).code === 0;
  };
  const sample = fc.sample(entries.filter(isOfAllVersions), 150);
  const differ: string[] = [];
  for (let at = 0; at < sample.length; at += 4) {
    await Promise.all(
      sample.slice(at, at + 4).map(async (entry, i) => {
        const { rules } = readRules(JSON.stringify({ metric_relabel_configs: [entry] }));
        const takes = await isTaken(entry, at + i);
        if (takes === (rules !== undefined)) return;
        differ.push(`promtool ${takes ? 'takes' : 'refuses'} ${JSON.stringify(entry)}`);
      }),
    );
  }
  expect(differ).toEqual([]);
});
