/**
 * The same text in memory of its own. What is cut out of a text keeps the whole of it, and what is put together of parts keeps
 * each as an object, so that a short text which is kept for long may hold many times its length.
 */
export function flatText(text: string): string {
  return Buffer.from(text).toString();
}

/** Bytes that a flat text takes. */
export function heapBytes(text: string): number {
  return HEAD_BYTES + (isLatin1(text) ? text.length : text.length * 2);
}

const HEAD_BYTES = 16;

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}
