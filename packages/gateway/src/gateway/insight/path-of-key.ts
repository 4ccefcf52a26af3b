/** A grouping key as the path that is pushed to. */
import type { Label } from '../../model/labels.ts';

/** The path of these labels, which senders choose: in printable ASCII, and with the job first, as it is pushed to. */
export function labelPath(labels: readonly Label[]): string {
  const job = labels.filter(({ name }) => name === 'job');
  const others = labels.filter(({ name }) => name !== 'job');
  return [...job, ...others].map(({ name, value }) => `${encoded(name)}${valuePath(value)}`).join('/');
}

function valuePath(value: string): string {
  return value === '' ? '@base64/=' : `/${encoded(value)}`;
}

function encoded(text: string): string {
  // By way of bytes, as half a surrogate pair cannot be encoded.
  return encodeURIComponent(Buffer.from(text).toString());
}
