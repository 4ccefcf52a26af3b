/** Parameters of the query and, as Prometheus has it, of a form that is the body of a POST or PUT. */
import type { IncomingMessage } from 'node:http';

import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';
import { BodyIntake } from '../bodies/body.ts';
import type { Exchange } from '../connections/exchange.ts';
import type { HttpClient } from '../senders/http-client.ts';

const KIB = 1024;
const BODY_BYTES_MAX = 64 * KIB;
/** Of all bodies at one time. */
const BODIES_BYTES_MAX = 16 * BODY_BYTES_MAX;
const FORM = 'application/x-www-form-urlencoded';

export type Parameters = readonly (readonly [name: string, value: string])[];

export function queryOf({ url = '' }: IncomingMessage): Parameters {
  return [...new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')];
}

/** The first one counts, and an empty one is none. */
export function valueOf(parameters: Parameters, wanted: string): string {
  return parameters.find(([name]) => name === wanted)?.[1] ?? '';
}

/** All `match[]`. */
export function matchOf(parameters: Parameters): readonly string[] {
  return parameters.filter(([name]) => name === 'match[]').map(([, value]) => value);
}

export function invalid(message: string): RequestError {
  return new RequestError('invalid_parameter', message);
}

/** `limit` of the query: the first one counts, and an empty one is none. Throws a RequestError for what is no whole number from 1 to `most`. */
export function limitOf(
  request: IncomingMessage,
  { otherwise, most }: { readonly otherwise: number; readonly most: number },
): number {
  const text = valueOf(queryOf(request), 'limit');
  if (text === '') return otherwise;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw invalid(`limit is ${quote(text)}; it must be a whole number from 1 to ${most}`);
}

/** Reads forms, a bounded number of them at a time. */
export class FormReader {
  readonly #bodies = new BodyIntake({
    bodyBytesMax: BODY_BYTES_MAX,
    bodiesBytesMax: BODIES_BYTES_MAX,
    decodersBytesMax: 0,
  });

  /** What the body has; nothing where it is no form. */
  async read({ request, response, expectsContinue }: Exchange, client: HttpClient): Promise<Parameters> {
    const { headers, method } = request;
    const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (type !== FORM || (method !== 'POST' && method !== 'PUT')) return [];
    if (Number(headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLarge();
    const coding = this.#bodies.check(request);
    if (coding !== undefined)
      throw new RequestError(
        'unsupported_encoding',
        'parameters must not be compressed; send them as they are',
      );
    if (expectsContinue) response.writeContinue();
    const received = await this.#bodies.receive(request, { coding, client }).catch((error: unknown) => {
      throw error instanceof RequestError && error.code === 'body_too_large' ? tooLarge() : error;
    });
    try {
      return [...new URLSearchParams(Buffer.from(received.bytes()).toString('utf8'))];
    } finally {
      received.free();
    }
  }
}

function tooLarge(): RequestError {
  return new RequestError(
    'body_too_large',
    `the parameters are larger than ${BODY_BYTES_MAX} bytes; use several requests`,
  );
}
