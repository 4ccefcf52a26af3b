import { RequestError } from '../../model/errors.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { sendText } from '../replies/send-text.ts';
import type { Who } from '../../gateway/insight-api.ts';
import type { AddressOf } from '../senders/client-address.ts';
import { whoOf } from './audited.ts';
import type { Handler } from './routes.ts';

/** Reloads the configuration file. Pages of other origins may do so as little as they may delete. */
export function reloadHandler({
  reload,
  cors,
  addressOf,
}: {
  readonly reload: ((who: Who) => Promise<string>) | undefined;
  readonly addressOf: AddressOf;
  readonly cors: CorsPolicy;
}): Handler {
  return async (exchange) => {
    const { request, response } = exchange;
    const { origin, host } = request.headers;
    cors.check(origin, 'retire', host);
    if (reload === undefined) {
      throw new RequestError(
        'lifecycle_disabled',
        'the lifecycle API is not enabled; start the gateway with --web.enable-lifecycle',
      );
    }
    request.resume();
    const text = await reload(whoOf(exchange, addressOf(request)));
    sendText(response, 200, { text, headers: cors.headersFor(origin, 'retire') });
  };
}
