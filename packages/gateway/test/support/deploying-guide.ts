/** The fenced blocks of docs/guides/deploying.md, by the heading that they are below. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { repository } from './programs.ts';

const guide = readFileSync(join(repository, 'docs/guides/deploying.md'), 'utf8');

export function blocksOf(heading: string, language: string): readonly string[] {
  const [, section = ''] = new RegExp(`^## ${heading}\n([^]*?)(?:^## |(?![^]))`, 'm').exec(guide) ?? [];
  const blocks = [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
  return blocks.flatMap(([, its, text = '']) => (its === language ? [text] : []));
}
