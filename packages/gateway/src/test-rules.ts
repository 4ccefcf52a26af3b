/**
 * What rules make of one push, for people who write rules: the page that the push would make by itself, and which rule did what to each
 * of its series.
 */
import { embed } from './embed.ts';
import type { EmbeddedOptions, PushOptions } from './embedded.ts';
import { decodersFor } from './gateway/pushes/decoders.ts';
import { gatewayOptionTable } from './gateway/options.ts';
import { parsePushPath } from './http/routes/push-path.ts';
import { PlacementMemo } from './ingest/rewrite/placement-memo.ts';
import { rulesForPath, senderOptionsOf } from './ingest/rewrite/push-rules.ts';
import type { PushRules } from './ingest/rewrite/push-rules.ts';
import type { Trace } from './ingest/rewrite/place-series.ts';
import { RewriteSink } from './ingest/rewrite/rewrite-sink.ts';
import { memoryJournal } from './journal/memory.ts';
import { RequestError } from './model/errors.ts';
import { withDefaults } from './options/option.ts';
import type { Rules } from './rules/rules.ts';
import { Families } from './store/families.ts';
import { defaultLimits } from './store/limits.ts';

/** What is to be printed. */
interface Tested {
  readonly isTaken: boolean;
  readonly text: string;
}

/** A refused push is told as its sender would see it. `options` are those of the gateway that the rules are for. */
export async function testRules(
  rules: Rules,
  body: Uint8Array,
  push: Pick<PushOptions, 'path' | 'format'> = {},
  options: EmbeddedOptions = {},
): Promise<Tested> {
  const { embedded, gateway } = embed(options, memoryJournal(), rules);
  try {
    await embedded.push(body, push);
    const page = await embedded.scrape();
    return {
      isTaken: true,
      text: `${page}\n${modeLine(rules, push, options)}${linesOf(traces(rules, body, push, options))}`,
    };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { isTaken: false, text: `refused: ${error.status} ${error.code}: ${error.text}\n` };
  } finally {
    await gateway.close();
  }
}

/** How the sender counts, where a rule says it. */
function modeLine(rules: Rules, { path = '' }: Pick<PushOptions, 'path'>, options: EmbeddedOptions): string {
  const { source, sender } = pushRulesOf(rules, path, options);
  if (source?.mode === undefined) return '';
  const resets = sender.byJob ? `, counter resets ${sender.counterResets}` : '';
  return `mode ${source.mode}${resets}  (sources[${rules.sources.indexOf(source)}])\n`;
}

function pushRulesOf(rules: Rules, path: string, options: EmbeddedOptions): PushRules {
  const gatewayOptions = withDefaults(gatewayOptionTable, options);
  return rulesForPath(rules, parsePushPath(path), senderOptionsOf(gatewayOptions));
}

function traces(
  rules: Rules,
  body: Uint8Array,
  { path = '', format = 'text' }: Pick<PushOptions, 'path' | 'format'>,
  options: EmbeddedOptions,
): readonly Trace[] {
  const gatewayOptions = withDefaults(gatewayOptionTable, options);
  // It knows nothing before this push, as the gateway that made the page.
  const nothing = {
    families: new Families(),
    discards: () => false,
    limits: { ...defaultLimits, ...options.limits },
    hashSeed: 0,
  };
  const sink = new RewriteSink(nothing, new PlacementMemo(0));
  const all: Trace[] = [];
  sink.begin(body, pushRulesOf(rules, path, options), (trace) => all.push(trace));
  const decoder = decodersFor(gatewayOptions)[format](body, sink);
  while (!decoder.advance(body.length));
  return all;
}

function linesOf(all: readonly Trace[]): string {
  return all
    .map(({ pushed, steps, becomes }) => {
      const did = steps.length === 0 ? '' : `  (${steps.join('; ')})`;
      if (becomes === pushed) return `${pushed}${did === '' ? '  (as pushed)' : did}\n`;
      return `${pushed} -> ${becomes ?? 'dropped'}${did}\n`;
    })
    .join('');
}
