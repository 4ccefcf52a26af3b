/** What a push is known by once it has come with an idempotency key. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import {
  DIGEST_BYTES,
  FINGERPRINT_BYTES,
  HOLDER_BYTES,
  IDENTITY_BYTES,
  UNHELD_IDENTITY_BYTES,
} from '../aggregate/idempotency-keys.ts';
import type { PushRequest } from './api.ts';

/** Hashed between turns of the event loop: about a millisecond. */
const SLICE_BYTES = 512 * 1024;

/**
 * The digest of the key, which counts for its grouping key only; the fingerprint of the request: its method and its body,
 * decompressed; and who holds the key: the job, as a sender of many keys may well give each an instance of its own. All are cut from
 * SHA-256.
 */
export async function identityOf(
  request: PushRequest & { readonly idempotencyKey: string },
): Promise<Uint8Array> {
  const identity = new Uint8Array(IDENTITY_BYTES);
  const digest = createHash('sha256').update(`${request.key.text}\n${request.idempotencyKey}`).digest();
  identity.set(digest.subarray(0, DIGEST_BYTES));
  const hash = createHash('sha256').update(`${request.method}\n`);
  const { body } = request;
  for (let from = 0; from < body.length; from += SLICE_BYTES) {
    if (from > 0) await setImmediate();
    hash.update(body.subarray(from, from + SLICE_BYTES));
  }
  identity.set(hash.digest().subarray(0, FINGERPRINT_BYTES), DIGEST_BYTES);
  const holder = createHash('sha256')
    .update(request.key.job ?? '')
    .digest();
  identity.set(holder.subarray(0, HOLDER_BYTES), UNHELD_IDENTITY_BYTES);
  return identity;
}
