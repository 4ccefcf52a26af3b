/** The cases of the guide on rules, as they stand there but for the address of the gateway: its file, what is pushed, and the page. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { readRules } from '../../src/rules/file/read-rules.ts';
import { temporaryFolder } from '../support/folders.ts';
import { scrape } from '../support/http.ts';
import { startGateway } from '../support/process.ts';
import { repository } from '../support/programs.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const guide = read('docs/guides/rules.md');
const section = /^## Cases\n([\s\S]*?)^## /m.exec(guide)?.[1] ?? '';

interface Block {
  readonly language: string;
  readonly text: string;
}

const cases = section
  .split(/^### /m)
  .slice(1)
  .map((text) => ({
    name: text.slice(0, text.indexOf('\n')),
    blocks: [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
      ([, language = '', block = '']): Block => ({ language, text: block }),
    ),
  }));

/** A line that pushes what follows up to END, or one of curl alone. */
const command =
  /(?:cat <<'END' \| curl --data-binary @- (?<push>\S+)\n(?<body>[^]*?)END\n|curl -X (?<method>POST|DELETE) (?:-g )?(?<url>\S+|'[^']+')\n)/y;

async function runLines(text: string, url: string): Promise<void> {
  for (command.lastIndex = 0; command.lastIndex < text.length;) {
    const rest = text.slice(command.lastIndex);
    const { push, body, method, url: other } = command.exec(text)?.groups ?? {};
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

test('there is a case for each wish', () => expect(cases).toHaveLength(8));

test.each(cases)('$name', async ({ blocks }) => {
  const file = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(file, '');
  const start = /^npm start -- --config\.file=gateway\.yaml(.*)\n$/;
  const [first] = blocks;
  const flags = start.exec(first!.text)?.[1]?.split(' ').filter(Boolean);
  const { url } = await startGateway([
    `--config.file=${file}`,
    ...new Set(['--web.enable-lifecycle', ...(flags ?? [])]),
  ]);
  let pages = 0;
  for (const { language, text } of flags === undefined ? blocks : blocks.slice(1)) {
    if (language === 'yaml') {
      writeFileSync(file, text);
      const reply = await fetch(`${url}/-/reload`, { method: 'POST' });
      expect({ text: await reply.text(), status: reply.status }).toMatchObject({ status: 200 });
    } else if (language === 'sh') await runLines(text, url);
    else {
      expect(await scrape(url)).toBe(text);
      pages += 1;
    }
  }
  expect(pages).toBeGreaterThan(0);
});
