/** What who asks may do here, and where things are: what a page has to know first. */
import { everything } from '../../access/principal.ts';
import type { GatewayApi } from '../../gateway/api.ts';
import type { Log } from '../../primitives/log.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { answeredAsJson, answerJson } from './json.ts';
import type { Links } from './prefix.ts';
import { safeHost } from './page.ts';
import type { Handler } from './routes.ts';

interface MeDeps {
  readonly gateway: Pick<GatewayApi, 'mode'>;
  readonly log: Log;
  readonly cors: CorsPolicy;
  readonly links: Links;
  readonly pushPath: string;
  readonly version: string;
  readonly adminApi: boolean;
  /** Which member of a cluster this one is; undefined for a gateway by itself. */
  readonly member: (() => { readonly name: string; readonly leads: boolean }) | undefined;
}

export function meHandler(deps: MeDeps): Handler {
  const { gateway, links, pushPath, version, adminApi, member } = deps;
  return answeredAsJson(deps, async (exchange) => {
    const { request, principal, served } = exchange;
    const may = [...(principal?.may ?? everything)];
    answerJson(exchange, deps.cors, {
      roles: served === undefined ? may : may.filter((role) => served.has(role)),
      token: principal?.token?.rule.name ?? null,
      name: principal?.name ?? null,
      mode: gateway.mode,
      routePrefix: links.path,
      pushUrl: `${links.origin(request, safeHost(request.headers.host))}${pushPath}`,
      version,
      adminApi,
      member: member?.() ?? null,
    });
  });
}
