/** The last refused requests, as JSON. */
import type { CorsPolicy } from '../replies/cors.ts';
import { REFUSALS_MAX } from '../replies/recent-refusals.ts';
import type { RecentRefusals, Refusal } from '../replies/recent-refusals.ts';
import { sendText } from '../replies/send-text.ts';
import { limitOf } from './parameters.ts';
import type { Handler } from './routes.ts';

const LIMIT_DEFAULT = 50;

interface RefusalsDeps {
  readonly refusals: RecentRefusals;
  readonly cors: CorsPolicy;
}

export function refusalsHandler({ refusals, cors }: RefusalsDeps): Handler {
  return async ({ request, response, principal }) => {
    const limit = limitOf(request, { otherwise: LIMIT_DEFAULT, most: REFUSALS_MAX });
    request.resume();
    const data = { total: refusals.total, refusals: refusals.newest(limit).map(shown) };
    sendText(response, 200, {
      text: `${JSON.stringify({ status: 'success', data })}\n`,
      contentType: 'application/json',
      headers: cors.headersFor(request.headers.origin, 'read', principal?.token?.rule.origins),
    });
  };
}

/** As JSON. */
export function shown({ timeMs, location, excerpt, ...rest }: Refusal): object {
  const around = excerpt && { excerpt: excerpt.text, excerptColumn: excerpt.column };
  return { time: new Date(timeMs).toISOString(), ...rest, ...location, ...around };
}
