import { assemble } from './assemble.ts';
import type { Assembly, Parts } from './assemble.ts';
import type { EmbeddedGateway, EmbeddedOptions, ScrapeOptions } from './embedded.ts';
import type { GatewayApi } from './gateway/api.ts';
import { gatewayOptionTable } from './gateway/options.ts';
import { limitTable } from './store/limits.ts';
import type { GatewayOptions } from './gateway/options.ts';
import { httpOptionTable } from './http/options.ts';
import { parsePushPath } from './http/routes/push-path.ts';
import type { Journal } from './journal/journal.ts';
import { RequestError } from './model/errors.ts';
import { plainText } from './model/exposition-format.ts';
import { withDefaults } from './options/option.ts';
import { systemClock } from './primitives/clock.ts';
import { memoryOfMachine } from './primitives/memory.ts';
import { silentLog } from './primitives/log.ts';
import { showProblem } from './rules/file/problems.ts';
import { readRules } from './rules/file/read-rules.ts';
import { noRules } from './rules/rules.ts';
import type { Rules } from './rules/rules.ts';

/** The parts, and what embedders see of them. Rules that were read already take the place of those of the options. */
export function embed(
  options: EmbeddedOptions,
  journal: Journal,
  rules?: Rules,
): Assembly & { readonly embedded: EmbeddedGateway } {
  const given = partsOf(options);
  const parts = rules === undefined ? given : { ...given, rules };
  const assembly = assemble({ ...parts, journal });
  return { ...assembly, embedded: embeddedGateway(assembly, parts) };
}

export function partsOf(options: EmbeddedOptions): Parts {
  const {
    log = silentLog,
    clock = systemClock,
    memoryBytes = memoryOfMachine(),
    limits = {},
    rules: givenRules,
    ...given
  } = options;
  const gatewayOptions = {
    ...withDefaults(gatewayOptionTable, given, memoryBytes),
    limits: withDefaults(limitTable, limits, memoryBytes),
  };
  const httpOptions = withDefaults(httpOptionTable, given, memoryBytes);
  const rules = givenRules === undefined ? noRules : rulesOf(givenRules, gatewayOptions);
  return { gatewayOptions, httpOptions, memoryBytes, clock, log, rules };
}

/** Throws a TypeError. */
function rulesOf(given: string | object, circumstances: GatewayOptions): Rules {
  // JSON is YAML.
  const text = typeof given === 'string' ? given : JSON.stringify(given, undefined, 2);
  const { rules, problems } = readRules(text, circumstances);
  if (rules !== undefined) return rules;
  const errors = problems.filter(({ severity }) => severity === 'error');
  throw new TypeError(errors.map((error) => showProblem('rules', error)).join('\n'));
}

export function embeddedGateway({ gateway, server }: Assembly, { gatewayOptions }: Parts): EmbeddedGateway {
  return {
    handler: server.handler,
    async push(body, { method = 'POST', path = '', format, idempotencyKey, firstAttemptAgeMs } = {}) {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body;
      if (!(bytes instanceof Uint8Array)) throw new TypeError('a push must be a string or a Uint8Array');
      if (method !== 'POST' && method !== 'PUT') {
        throw new TypeError(`the method of a push must be POST or PUT, not ${JSON.stringify(method)}`);
      }
      try {
        const key = parsePushPath(path);
        return await gateway.push({
          method,
          key,
          format,
          body: bytes,
          idempotencyKey,
          firstAttemptAgeMs,
        });
      } catch (error) {
        // The gateway counts what it takes; what is refused is counted by whoever answers for it.
        const code = error instanceof RequestError ? error.code : 'internal';
        gateway.telemetry?.pushRefused(code, bytes.length);
        throw error;
      }
    },
    async delete(path) {
      await gateway.delete(parsePushPath(path));
    },
    async scrape(options) {
      return (await pageOf(gateway, options)).toString('utf8');
    },
    scrapeBytes: (options) => pageOf(gateway, options),
    async setRules(rules) {
      await gateway.setRules(rulesOf(rules, gatewayOptions));
    },
    start: ({ host, port = 0 } = {}) => server.listen({ host, port }),
    async close() {
      await server.close();
      await gateway.close();
    },
  };
}

async function pageOf(gateway: GatewayApi, options: ScrapeOptions = {}): Promise<Buffer> {
  const { format = plainText.format, escaping = plainText.escaping, scraper } = options;
  const slices: Uint8Array[] = [];
  for await (const slice of gateway.scrape({ format: { ...plainText, format, escaping }, scraper })) {
    slices.push(slice);
  }
  return Buffer.concat(slices);
}
