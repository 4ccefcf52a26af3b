import { createHash, randomBytes } from 'node:crypto';

import { TOKEN_PREFIX } from '../primitives/hide-tokens.ts';

/** A token that nobody can guess, and the line of the configuration file by which it is known. */
export function newToken(): { readonly token: string; readonly line: string } {
  // Scanners for secrets that lie about know such things by their beginning.
  const token = `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
  return { token, line: `sha256: ${createHash('sha256').update(token).digest('hex')}` };
}
