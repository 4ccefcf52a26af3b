/** Scrapes of a small gateway, with readers and a clock that do what they are told. */
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { decodeText } from '../../src/exposition/text/decode.ts';
import type { ExpositionReader, ScrapeRequest } from '../../src/gateway/api.ts';
import { ExpiryClock } from '../../src/gateway/ledger/expiry.ts';
import { PushCommand } from '../../src/wal/push-command.ts';
import { Ledger } from '../../src/gateway/ledger/ledger.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import type { GatewayOptions } from '../../src/gateway/options.ts';
import { defaultScrapeBounds } from '../../src/gateway/scrapes/scrape-bounds.ts';
import type { ScrapeBounds } from '../../src/gateway/scrapes/scrape-bounds.ts';
import { Scrapes } from '../../src/gateway/scrapes/scrapes.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { RequestError } from '../../src/model/errors.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { noRules } from '../../src/rules/rules.ts';

export class FakeReader implements ExpositionReader {
  takenBytes = 0;
  isBehind = false;
  bufferBytes = 0;
  readonly cuts: string[] = [];
  cut(reason: string): void {
    this.cuts.push(reason);
  }
}

/** One scrape: its reader, what it was given, and what became of it. */
export class TriedScrape {
  readonly reader: FakeReader = new FakeReader();
  text = '';
  /** `waiting`, `open`, `whole`, or the message of the error. */
  state = 'waiting';
  readonly close: () => void;
  readonly #slices: AsyncIterator<Uint8Array>;

  constructor(scrapes: Scrapes, request: ScrapeRequest) {
    const scrape = scrapes.begin({ reader: this.reader, ...request });
    this.close = () => scrape.close();
    this.#slices = scrape[Symbol.asyncIterator]();
    void this.read(1);
  }

  /** Asks for so many slices more, all when left out. */
  async read(count = Number.POSITIVE_INFINITY): Promise<string> {
    try {
      for (let i = 0; i < count; i += 1) {
        const { done, value } = await this.#slices.next();
        if (done === true) {
          this.state = 'whole';
          return this.text;
        }
        this.state = 'open';
        this.text += Buffer.from(value).toString('latin1');
      }
    } catch (error) {
      this.state = error instanceof RequestError ? error.code : (error as Error).message;
    }
    return this.text;
  }
}

export class ScrapeDesk {
  nowMs = 0;
  readonly ledger: Ledger;
  readonly scrapes: Scrapes;
  readonly counted: string[] = [];
  readonly #builder: PushBuilder;

  constructor(bounds: Partial<ScrapeBounds> = {}, options: Partial<GatewayOptions> = {}) {
    const all = { ...defaultGatewayOptions, scrapeCacheBytesMax: 0, ...options };
    const clock = { now: () => 1, elapsed: () => this.nowMs };
    this.ledger = new Ledger({ journal: memoryJournal(), options: all, clock, hashSeed: 1 });
    this.ledger.begin();
    this.#builder = new PushBuilder(this.ledger.state);
    this.scrapes = new Scrapes({
      ledger: this.ledger,
      expiry: new ExpiryClock({
        ledger: this.ledger,
        options: all,
        log: silentLog,
        rules: { current: noRules },
      }),
      options: all,
      // Looks are up to the test.
      bounds: { ...defaultScrapeBounds, checkMs: 1_000_000, ...bounds },
      onLeftOut() {},
      onCut: (reason) => this.counted.push(`cut ${reason}`),
      onTurnedAway: (reason) => this.counted.push(`turned away ${reason}`),
      now: () => this.nowMs,
    });
  }

  push(text: string, source = '', method: 'PUT' | 'POST' = 'POST'): void {
    const body = Buffer.from(text);
    this.#builder.begin(body);
    decodeText(body, 0, body.length, this.#builder);
    this.ledger.push(new PushCommand(this.#builder.finish(), body, { source, method }));
  }

  scrape(request: ScrapeRequest = {}): TriedScrape {
    return new TriedScrape(this.scrapes, request);
  }

  /** Lets time pass, with looks on the way. */
  pass(ms: number, lookMs = 100): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(this.nowMs + lookMs, endMs);
      this.scrapes.check();
    }
  }
}

/** Lets all that can go on do so. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** So many bytes of counters, about. */
export function counters(bytes: number): string {
  const lines = Array.from(
    { length: Math.ceil(bytes / 100) },
    (_, i) => `a_total{text="${String(i).padStart(85, 'x')}"} 1`,
  );
  return `# TYPE a_total counter\n${lines.join('\n')}\n`;
}
