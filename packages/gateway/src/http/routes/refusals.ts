/** The last refused requests, as JSON. */
import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { REFUSALS_MAX } from '../replies/recent-refusals.ts';
import type { RecentRefusals, Refusal } from '../replies/recent-refusals.ts';
import { sendText } from '../replies/send-text.ts';
import type { Handler } from './routes.ts';

const LIMIT_DEFAULT = 50;

interface RefusalsDeps {
  readonly refusals: RecentRefusals;
  readonly cors: CorsPolicy;
}

export function refusalsHandler({ refusals, cors }: RefusalsDeps): Handler {
  return async ({ request, response, principal }) => {
    const limit = limitOf(request.url ?? '');
    request.resume();
    const data = { total: refusals.total, refusals: refusals.newest(limit).map(shown) };
    sendText(response, 200, {
      text: `${JSON.stringify({ status: 'success', data })}\n`,
      contentType: 'application/json',
      headers: cors.headersFor(request.headers.origin, 'read', principal?.token?.rule.origins),
    });
  };
}

function shown({ timeMs, location, ...rest }: Refusal): object {
  return { time: new Date(timeMs).toISOString(), ...rest, ...location };
}

function limitOf(url: string): number {
  const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : '';
  const text = new URLSearchParams(query).get('limit') ?? '';
  if (text === '') return LIMIT_DEFAULT;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= REFUSALS_MAX) return limit;
  throw new RequestError(
    'invalid_parameter',
    `limit is ${quote(text)}; it must be a whole number from 1 to ${REFUSALS_MAX}`,
  );
}
