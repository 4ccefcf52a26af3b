/** What a push is known by once it has come with an idempotency key. */
import { createHash } from 'node:crypto';

import {
  DIGEST_BYTES,
  FINGERPRINT_BYTES,
  HOLDER_BYTES,
  IDENTITY_BYTES,
  UNHELD_IDENTITY_BYTES,
} from '../../store/idempotency-keys.ts';
import { atOnce, inSteps } from '../../primitives/turns.ts';
import type { Turn } from '../../primitives/turns.ts';
import type { PushRequest } from '../api.ts';

/** Hashed in one step: some tenths of a millisecond. */
const STEP_BYTES = 128 * 1024;

type KeyedPush = PushRequest & { readonly idempotencyKey: string };

/**
 * The digest of the key, which counts for its grouping key only; the fingerprint of the request: its method and its body,
 * decompressed; and who holds the key: the job, as a sender of many keys may well give each an instance of its own. All are cut from
 * SHA-256.
 */
export function identityOf(request: KeyedPush): Uint8Array {
  return atOnce(identity(request));
}

/** The same for a long body. */
export function identityOfLong(request: KeyedPush, turn: Turn): Promise<Uint8Array> {
  return inSteps(identity(request), turn);
}

function* identity({ key, method, body, idempotencyKey }: KeyedPush): Generator<void, Uint8Array> {
  const made = new Uint8Array(IDENTITY_BYTES);
  const digest = createHash('sha256').update(`${key.text}\n${idempotencyKey}`).digest();
  made.set(digest.subarray(0, DIGEST_BYTES));
  const hash = createHash('sha256').update(`${method}\n`);
  for (let from = 0; from < body.length; from += STEP_BYTES) {
    hash.update(body.subarray(from, from + STEP_BYTES));
    yield;
  }
  made.set(hash.digest().subarray(0, FINGERPRINT_BYTES), DIGEST_BYTES);
  const holder = createHash('sha256')
    .update(key.job ?? '')
    .digest();
  made.set(holder.subarray(0, HOLDER_BYTES), UNHELD_IDENTITY_BYTES);
  return made;
}
