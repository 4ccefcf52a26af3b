/** What a page costs in each format: written anew, and where nothing has changed since the one before. Without HTTP. */
import { PushBuilder } from '../dist/ingest/push-builder.js';
import { State } from '../dist/state/state.js';
import { defaultExpositionOptions } from '../dist/exposition/family-writer.js';
import { ScrapeCache } from '../dist/exposition/scrape-cache.js';
import { encodeExposition } from '../dist/exposition/page.js';
import { decodeText } from '../dist/exposition/text/decode.js';
import { defaultGatewayOptions } from '../dist/gateway/options.js';
import { largePush, smallPush } from './data.ts';
import { viewOf } from '../dist/read/view.js';

const formats = ['text', 'openmetrics', 'protobuf'] as const;
type Format = (typeof formats)[number];

const PUSH_SERIES = 10_000;
const ROUNDS = 9;

interface Measured {
  readonly ms: number;
  readonly bytes: number;
}

/** Lines to print: of so many counters in families of 10 000, and of as many samples in histograms. Formats take turns. */
export async function expositionLines(series: number): Promise<string[]> {
  return [
    ...(await linesOf(`${series} counters`, counters(series))),
    ...(await linesOf(`${series} samples of histograms`, histograms(series))),
  ];
}

async function linesOf(name: string, state: State): Promise<string[]> {
  // The first page sorts the rows, whatever its format.
  await page(state, 'text', new ScrapeCache(0));
  const anew = new Map<Format, Measured[]>(formats.map((format) => [format, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const format of formats) anew.get(format)!.push(await page(state, format, new ScrapeCache(0)));
  }
  const text = median(anew.get('text')!);
  const lines: string[] = [];
  for (const format of formats) {
    const { ms, bytes } = median(anew.get(format)!);
    const perByte = bytes / ms / (text.bytes / text.ms);
    const kept = new ScrapeCache(defaultGatewayOptions.scrapeCacheBytesMax);
    await page(state, format, kept);
    const again = await page(state, format, kept);
    lines.push(
      `page of ${name}, ${format}: ${ms.toFixed(0)} ms, ${(bytes / 1e6).toFixed(1)} MB, ${(bytes / ms / 1e3).toFixed(0)} MB/s` +
        (format === 'text'
          ? ''
          : `, ${perByte.toFixed(2)} × the speed of text by the byte, ${(text.ms / ms).toFixed(2)} × by the page`) +
        `; nothing changed: ${again.ms.toFixed(0)} ms`,
    );
  }
  return lines;
}

function median(all: readonly Measured[]): Measured {
  return all.toSorted((a, b) => a.ms - b.ms)[Math.floor(all.length / 2)]!;
}

async function page(state: State, format: Format, kept: ScrapeCache): Promise<Measured> {
  const startMs = performance.now();
  let bytes = 0;
  const escaping = 'allow-utf-8';
  const slices = encodeExposition(
    viewOf(state),
    { format, escaping, version: '0.0.4' },
    { kept, options: defaultExpositionOptions, onLeftOut: () => {} },
  );
  for await (const slice of slices) bytes += slice.length;
  return { ms: performance.now() - startMs, bytes };
}

function counters(series: number): State {
  const bodies: string[] = [];
  for (let from = 0; from < series; from += PUSH_SERIES)
    bodies.push(largePush({ series: PUSH_SERIES, from }));
  return filled(series, bodies);
}

/** The histogram of the small push, of many instances. */
function histograms(samples: number): State {
  const lines = smallPush().split('\n');
  const histogram = lines.slice(
    lines.findIndex((line) => line.startsWith('# TYPE') && line.endsWith(' histogram')),
  );
  const own = histogram.filter((line) => line !== '' && !line.startsWith('#'));
  const type = histogram[0]!;
  const instances = Math.ceil(samples / own.length);
  const bodies: string[] = [];
  const each = 500;
  for (let from = 0; from < instances; from += each) {
    const rows = Array.from({ length: Math.min(each, instances - from) }, (_, i) =>
      own.map((line) => line.replace('{', `{instance="host-${from + i}",`)).join('\n'),
    );
    bodies.push(`${type}\n${rows.join('\n')}\n`);
  }
  return filled(instances * own.length * 2, bodies);
}

function filled(seriesMax: number, bodies: readonly string[]): State {
  const { limits } = defaultGatewayOptions;
  const state = new State(
    { byJob: false, counterResets: 'overwrite', summaries: 'discard' },
    { ...limits, seriesMax },
    1,
  );
  const builder = new PushBuilder(state);
  for (const text of bodies) {
    const body = Buffer.from(text);
    builder.begin(body);
    decodeText(body, 0, body.length, builder);
    const origin = { source: '', method: 'POST', nowMs: 1, wallMs: 1_700_000_000_000 } as const;
    state.apply(builder.finish(), body, origin);
  }
  return state;
}
