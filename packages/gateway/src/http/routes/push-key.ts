/**
 * What a sender says of a push so that it may send it again: its key, in a header or, as web pages cannot send headers without asking first, in
 * the URL; and how long ago the first attempt was. Neither is logged.
 */
import type { IncomingHttpHeaders } from 'node:http';

import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';

const KEY_CHARS_MAX = 255;
const KEY = 'idempotency-key';
const AGE = 'first-attempt-age';

/** As headers have them, but also no line break; what is quoted needs no more than that. */
const visible = /^[ -~]+$/;
const seconds = /^\d{1,12}(?:\.\d{1,9})?$/;

interface PushKey {
  readonly idempotencyKey: string | undefined;
  readonly firstAttemptAgeMs: number | undefined;
}

const none: PushKey = { idempotencyKey: undefined, firstAttemptAgeMs: undefined };

/** Throws RequestError. */
export function readPushKey(headers: IncomingHttpHeaders, url: string): PushKey {
  const header = headers[KEY] as string | undefined;
  const query = url.indexOf('?');
  if (header === undefined && query === -1) return none;
  const fromHeader = header === undefined ? [] : [keyIn(header)];
  if (query === -1) return { idempotencyKey: fromHeader[0], firstAttemptAgeMs: undefined };
  const parameters = new URLSearchParams(url.slice(query + 1));
  const keys = new Set([...fromHeader, ...parameters.getAll(KEY).map(keyInUrl)]);
  if (keys.size > 1) {
    throw new RequestError(
      'invalid_idempotency_key',
      'the push has different Idempotency-Keys in its header and its URL, or several in its URL; use one',
    );
  }
  const [idempotencyKey] = keys;
  return { idempotencyKey, firstAttemptAgeMs: ageIn(parameters.getAll(AGE), idempotencyKey) };
}

/** With or without quotes around it. */
function keyIn(text: string): string {
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (key.length > 0 && key.length <= KEY_CHARS_MAX) return key;
  throw new RequestError(
    'invalid_idempotency_key',
    `the Idempotency-Key is ${key.length === 0 ? 'empty' : `${key.length} characters long`}; use a new UUID for each push, at most ${KEY_CHARS_MAX} characters`,
  );
}

function keyInUrl(text: string): string {
  if (text !== '' && !visible.test(text)) {
    throw new RequestError(
      'invalid_idempotency_key',
      `the parameter ${KEY} has characters outside of printable ASCII; use a new UUID for each push`,
    );
  }
  return keyIn(text);
}

function ageIn(ages: readonly string[], key: string | undefined): number | undefined {
  if (ages.length === 0) return undefined;
  const wrong = ages.find((age) => !seconds.test(age));
  if (wrong !== undefined) {
    throw new RequestError(
      'invalid_parameter',
      `${AGE} must be a number of seconds, as in ${AGE}=12, not ${quote(wrong)}`,
    );
  }
  if (key === undefined) {
    throw new RequestError('invalid_parameter', `${AGE} has no meaning without an Idempotency-Key; add one`);
  }
  return Math.max(...ages.map(Number)) * 1000;
}
