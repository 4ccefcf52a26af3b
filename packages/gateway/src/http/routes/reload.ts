import { RequestError } from '../../model/errors.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { sendText } from '../replies/send-text.ts';
import type { Handler } from './routes.ts';

/** Reloads the configuration file. Pages of other origins may do so as little as they may delete. */
export function reloadHandler({
  reload,
  cors,
}: {
  readonly reload: (() => Promise<string>) | undefined;
  readonly cors: CorsPolicy;
}): Handler {
  return async ({ request, response }) => {
    const { origin, host } = request.headers;
    cors.check(origin, 'retire', host);
    if (reload === undefined) {
      throw new RequestError(
        'lifecycle_disabled',
        'the lifecycle API is not enabled; start the gateway with --web.enable-lifecycle',
      );
    }
    request.resume();
    sendText(response, 200, { text: await reload(), headers: cors.headersFor(origin, 'retire') });
  };
}
