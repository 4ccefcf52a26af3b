/** Files that people write: small ones, in UTF-8. */
import { open } from 'node:fs/promises';

/** No more than so many bytes of a file: it may be a pipe or a device. Rejects with what `whyUnreadable` explains. */
export async function readText(path: string, bytesMax: number): Promise<string> {
  const file = await open(path);
  try {
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

export function whyUnreadable({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'is a directory, not a file';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'the file is not valid UTF-8';
    default:
      return `cannot be read: ${message}`;
  }
}
