/** The secret that members of a cluster share. */
import { readText, whyUnreadable } from '../primitives/read-text.ts';

const [CHARS_MIN, BYTES_MAX] = [16, 4096];

/** Without white space around it, as editors add a line break. Nothing of it is in a problem. */
export async function readSecret(
  path: string,
): Promise<{ readonly secret: string } | { readonly problem: string }> {
  let text: string;
  try {
    text = await readText(path, BYTES_MAX + 1);
  } catch (error) {
    return { problem: `${path}: ${whyUnreadable(error as NodeJS.ErrnoException)}` };
  }
  const secret = text.trim();
  if (Buffer.byteLength(text) > BYTES_MAX)
    return { problem: `${path}: the secret is longer than ${BYTES_MAX} bytes` };
  if (secret.length >= CHARS_MIN) return { secret };
  return {
    problem: `${path}: the secret has ${secret.length} characters, and needs at least ${CHARS_MIN}; write one with: openssl rand -hex 32`,
  };
}
