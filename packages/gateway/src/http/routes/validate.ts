/** Reads a push with the rights of who sends it, and says what it would do: nothing changes. */
import { checkSource } from '../../access/principal.ts';
import { takeBytes, takePush } from '../../access/tokens.ts';
import type { PushRequest } from '../../gateway/api.ts';
import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';
import type { Exchange } from '../connections/exchange.ts';
import { nosniff } from '../replies/headers.ts';
import { formatOf } from '../replies/media-type.ts';
import { HttpClient } from '../senders/http-client.ts';
import { answeredAsJson, replyTo } from './json.ts';
import { queryOf, valueOf } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import type { PushDeps } from './push.ts';
import { parsePushPath } from './push-path.ts';
import type { Handler } from './routes.ts';

interface ValidateDeps extends Pick<
  PushDeps,
  'gateway' | 'intake' | 'cors' | 'routes' | 'addressOf' | 'log'
> {
  readonly pushPath: string;
}

export function validateHandler(deps: ValidateDeps): Handler {
  const { gateway, intake, cors, addressOf } = deps;
  return answeredAsJson(deps, async (exchange) => {
    const { request, response, principal } = exchange;
    const { headers } = request;
    const token = principal?.token;
    cors.check(headers.origin, 'push', headers.host, token?.rule.origins);
    const { key, method } = askedOf(exchange, deps);
    if (principal !== undefined) checkSource(principal, key);
    if (token !== undefined) takePush(token);
    const bytesMax = token?.rule.limits.body;
    const format = formatOf(headers['content-type']);
    const coding = intake.check(request, bytesMax);
    if (exchange.expectsContinue) response.writeContinue();
    const client = new HttpClient(request, addressOf);
    const received = await intake.receive(request, { coding, client, bytesMax });
    try {
      const body = received.bytes();
      if (token !== undefined) takeBytes(token, body.length);
      const validated = await gateway.validate({
        method,
        key,
        format,
        body,
        rights: token?.rule.series,
        allowance: token?.allowance,
        client,
      });
      const text = replyTo(JSON.stringify(validated));
      response.writeHead(200, [
        'Content-Type',
        'application/json',
        ...nosniff,
        ...cors.headersFor(headers.origin, 'push', token?.rule.origins),
      ]);
      response.end(text);
    } finally {
      received.free();
    }
  });
}

/** Where the push would go, with the push path before it or without. */
function askedOf(
  { request }: Exchange,
  { routes, pushPath }: ValidateDeps,
): Pick<PushRequest, 'key' | 'method'> {
  const parameters = queryOf(request);
  const path = pathIn(parameters, pushPath);
  const method = valueOf(parameters, 'method').toUpperCase();
  if (method !== '' && method !== 'POST' && method !== 'PUT')
    throw new RequestError('invalid_parameter', `method is ${quote(method)}; it must be POST or PUT`);
  return { key: parsePushPath(routes.restOf(path)), method: method === 'PUT' ? 'PUT' : 'POST' };
}

/** The path stands in a parameter, in which what it escapes is escaped once more. */
function pathIn(parameters: Parameters, pushPath: string): string {
  const path = valueOf(parameters, 'path');
  if (path === '' || `${path}/` === pushPath) return pushPath;
  return path.startsWith(pushPath) ? path : `${pushPath}${path.replace(/^\//, '')}`;
}
