/** A gateway with access narrowed to tokens, of which one may only read and one may do everything. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryFolder } from '../../../gateway/test/support/folders.ts';

export const reader = 'pag_of_a_reader_0123456789';
export const admin = 'pag_of_an_admin_0123456789';
export const sender = 'pag_of_a_sender_0123456789';

/** Flags; `more` is added to the configuration file. */
export function narrowed(more = ''): string[] {
  const rights = [
    ['reader', reader, 'read'],
    ['admin', admin, 'push, delete, scrape, read, admin, lifecycle'],
    ['sender', sender, 'push'],
  ];
  const tokens = rights.map(
    ([name, token, may]) =>
      `    - { name: ${name}, sha256: ${createHash('sha256').update(token!).digest('hex')}, may: [${may}] }\n`,
  );
  const file = join(temporaryFolder(), 'gateway.yaml');
  writeFileSync(file, `access:\n  anonymous: []\n  tokens:\n${tokens.join('')}${more}`);
  return [`--config.file=${file}`];
}

export const bearer = (token: string): RequestInit => ({ headers: { Authorization: `Bearer ${token}` } });
