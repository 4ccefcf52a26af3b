/** The commands of docs/guides/access.md, run as they stand there, but for ports and for how the gateway is started. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { builtMain, startGateway } from './process.ts';
import type { GatewayProcess } from './process.ts';
import { repository, run } from './programs.ts';

const guide = readFileSync(join(repository, 'docs/guides/access.md'), 'utf8');

interface Block {
  readonly language: string;
  readonly text: string;
}

export function blocksOf(heading: string): readonly Block[] {
  const [, section = ''] = new RegExp(`^## ${heading}\n([^]*?)(?:^## |(?![^]))`, 'm').exec(guide) ?? [];
  return [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

const start = /^npm start -- (.*)\n$/;
const serves = /^python3 -m http\.server 8080 --bind 127\.0\.0\.1 --directory page\n$/m;

/**
 * Goes through the guide's public gateway for a web page in this folder, and holds what is printed against what is shown. Once there is a page,
 * and instead of the command that serves it, `openPage` has it push.
 */
export async function walk(
  folder: string,
  { pagePort, openPage }: { pagePort: number; openPage: (gatewayPort: number) => Promise<void> },
): Promise<GatewayProcess> {
  let gateway: GatewayProcess | undefined;
  const port = (): number => Number(new URL(gateway!.url).port);
  const adapted = (text: string): string =>
    text
      .replace(serves, '')
      .replaceAll('npm start --silent --', `'${process.execPath}' '${builtMain()}'`)
      .replaceAll('localhost:8080', `localhost:${pagePort}`)
      .replaceAll('localhost:9091', () => `localhost:${port()}`);
  let printed = '';
  for (const { language, text } of blocksOf('A public gateway for a web page')) {
    if (language === 'text') expect(printed).toBe(text);
    if (language !== 'sh') continue;
    const flags = start.exec(text)?.[1]?.split(' ');
    if (flags !== undefined) {
      gateway = await startGateway(flags.map((flag) => flag.replace(/(?<=file=)/, `${folder}/`)));
      continue;
    }
    const { code, stdout, stderr } = await run('/bin/sh', ['-e', '-'], {
      input: adapted(text),
      cwd: folder,
      env: { ...process.env, no_proxy: '*' },
    });
    expect({ text, stderr, code }).toMatchObject({
      code: 0,
      ...(!text.includes('openssl') && { stderr: '' }),
    });
    printed = stdout;
    if (serves.test(text)) await openPage(port());
  }
  return gateway!;
}
