/** The cases of the guide on rules, as they stand there but for the address of the gateway: its file, what is pushed, and the page. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { readRules } from '../../src/rules/file/read-rules.ts';
import { temporaryFolder } from '../support/folders.ts';
import { scrape } from '../support/http.ts';
import { runGateway, startGateway } from '../support/process.ts';
import { repository } from '../support/programs.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const guide = read('docs/guides/rules.md');
const section = /^## Cases\n([\s\S]*?)^## /m.exec(guide)?.[1] ?? '';

interface Block {
  readonly language: string;
  readonly text: string;
}

const start = /^npm start -- --config\.file=gateway\.yaml(.*)\n$/;
const cases = section
  .split(/^### /m)
  .slice(1)
  .map((text) => {
    const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
      ([, language = '', block = '']): Block => ({ language, text: block }),
    );
    const flags = start.exec(blocks[0]!.text)?.[1];
    return {
      name: text.slice(0, text.indexOf('\n')),
      flags: flags?.replace(/ --web.enable-\S+/g, '') ?? '',
      blocks: flags === undefined ? blocks : blocks.slice(1),
    };
  });
const flagSets = [...new Set(cases.map(({ flags }) => flags))];

/** A line that pushes what follows up to END, one of curl alone, or one that waits. */
const command =
  /(?:cat <<'END' \| curl --data-binary @- (?<push>\S+)\n(?<body>[^]*?)END\n|curl -X (?<method>POST|DELETE) (?:-g )?(?<url>\S+|'[^']+')\n|sleep (?<seconds>\d+)\n)/y;

async function runLines(text: string, url: string): Promise<void> {
  for (command.lastIndex = 0; command.lastIndex < text.length;) {
    const rest = text.slice(command.lastIndex);
    const { push, body, method, url: other, seconds } = command.exec(text)?.groups ?? {};
    if (seconds !== undefined) {
      await setTimeout(Number(seconds) * 1000);
      continue;
    }
    const address = push ?? other?.replaceAll("'", '');
    expect(address, rest).toBeDefined();
    const reply = await fetch(address!.replace('http://localhost:9091', url), {
      method: method ?? 'POST',
      ...(body === undefined ? {} : { body }),
    });
    expect({ rest, isTaken: reply.ok }).toEqual({ rest, isTaken: true });
  }
}

test.each(['docs/guides/rules.md', 'docs/guides/migrating.md'])(
  'nothing is wrong with the files in %s',
  (page) => {
    const files = [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)];
    expect(files).not.toEqual([]);
    for (const [, file = ''] of files)
      expect(readRules(file, { pathLabels: 'drop' }).problems, file).toEqual([]);
  },
);

test('what config test prints', async () => {
  const folder = temporaryFolder();
  const [, file = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(guide) ?? [];
  const [, body = '', made = ''] =
    /^## Try\n[^]*?<<'END'\n([^]*?)^END$[^]*?^```text\n([^]*?)^```$/m.exec(guide) ?? [];
  writeFileSync(join(folder, 'gateway.yaml'), file);
  writeFileSync(join(folder, 'body.txt'), body);
  const tried = [
    join(folder, 'gateway.yaml'),
    '--push',
    join(folder, 'body.txt'),
    '--path=job/api/instance/a',
  ];
  expect(await runGateway(['config', 'test', ...tried])).toEqual({ code: 0, stdout: made, stderr: '' });
});

test('there is a case for each wish', () => expect(cases).toHaveLength(11));

test.each(flagSets)('the cases of a gateway with flags:%s', async (flags) => {
  const file = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(file, '');
  const enabled = ['--web.enable-lifecycle', '--web.enable-admin-api'];
  const { url } = await startGateway([
    `--config.file=${file}`,
    ...enabled,
    ...flags.split(' ').filter(Boolean),
  ]);
  const request = async (method: string, path: string): Promise<void> => {
    const reply = await fetch(`${url}${path}`, { method });
    expect({ text: await reply.text(), isDone: reply.ok }).toMatchObject({ isDone: true });
  };
  const setRules = (text: string): Promise<void> => {
    writeFileSync(file, text);
    return request('POST', '/-/reload');
  };
  for (const { name, blocks } of cases.filter((each) => each.flags === flags)) {
    // Sources that are known could not add from then on.
    await request('PUT', '/api/v1/admin/wipe');
    await setRules('');
    for (const { language, text } of blocks) {
      if (language === 'yaml') await setRules(text);
      else if (language === 'sh') await runLines(text, url);
      else expect(await scrape(url), name).toBe(text);
    }
    expect(blocks.at(-1)?.language, name).toBe('text');
  }
});
