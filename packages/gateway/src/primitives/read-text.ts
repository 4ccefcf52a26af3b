/** Files that people write: small ones, in UTF-8. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { permissionDenied } from './permission.ts';

/** Without it, opening a pipe waits for somebody who writes to it. Windows has none. */
const { O_RDONLY, O_NONBLOCK = 0 } = constants as { O_RDONLY: number; O_NONBLOCK?: number };

/**
 * No more than so many bytes of a file. Rejects with what `whyUnreadable` explains: at once where there is no end or nothing to come, unless what comes
 * `once` is as good, as a pipe in the place of a file.
 */
export async function readText(
  path: string,
  bytesMax: number,
  { once = false }: { readonly once?: boolean } = {},
): Promise<string> {
  const file = await open(path, once ? O_RDONLY : O_RDONLY | O_NONBLOCK);
  try {
    if (!once) await checkKind(file);
    const bytes = Buffer.alloc(bytesMax);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } finally {
    await file.close();
  }
}

/** Of what was opened, as the name may be that of another one by now. */
async function checkKind(file: FileHandle): Promise<void> {
  const kind = await file.stat();
  if (kind.isFile() || (kind.isCharacterDevice() && (await isAtEnd(file)))) return;
  const code = kind.isDirectory() ? 'EISDIR' : kind.isFIFO() ? NO_FILE.pipe : NO_FILE.device;
  throw Object.assign(new Error(code), { code });
}

/** As /dev/null is, which many write for an empty file. */
async function isAtEnd(file: FileHandle): Promise<boolean> {
  return (await file.read(Buffer.alloc(1), 0, 1)).bytesRead === 0;
}

/** Codes of our own. */
const NO_FILE = { pipe: 'is a pipe', device: 'is a device' } as const;

export function whyUnreadable({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return permissionDenied();
    case 'EISDIR':
      return 'is a directory, not a file';
    case 'ENXIO':
      return 'is a socket, not a file';
    case NO_FILE.pipe:
      return 'is a pipe, not a file; it could not be read again when it changes';
    case NO_FILE.device:
      return 'is a device, not a file';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'the file is not valid UTF-8';
    default:
      return `cannot be read: ${message}`;
  }
}
