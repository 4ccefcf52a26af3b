/**
 * What rules make of one push, for people who write rules: the page that the push would make by itself, and which rule did what to each
 * of its series.
 */
import { embed } from './embed.ts';
import type { EmbeddedOptions, PushOptions } from './embed.ts';
import { decodersFor } from './gateway/pushes/decoders.ts';
import { gatewayOptionTable } from './gateway/options.ts';
import { parsePushPath } from './http/routes/push-path.ts';
import { PlacementMemo } from './ingest/rewrite/placement-memo.ts';
import { rulesForPath, senderOptionsOf } from './ingest/rewrite/push-rules.ts';
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
    return { isTaken: true, text: `${page}\n${linesOf(traces(rules, body, push, options))}` };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { isTaken: false, text: `refused: ${error.status} ${error.code}: ${error.text}\n` };
  } finally {
    await gateway.close();
  }
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
  sink.begin(body, rulesForPath(rules, parsePushPath(path), senderOptionsOf(gatewayOptions)), (trace) =>
    all.push(trace),
  );
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
