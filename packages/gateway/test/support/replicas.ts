/** Others that read the records of a gateway, and what all of them are to have in common after each record. */
import { setImmediate } from 'node:timers/promises';

import { encodeExposition } from '../../src/exposition/page.ts';
import { ScrapeCache } from '../../src/exposition/scrape-cache.ts';
import { Ledger } from '../../src/gateway/ledger/ledger.ts';
import type { GatewayOptions } from '../../src/gateway/options.ts';
import type { Recovered, RecoverySink } from '../../src/journal/journal.ts';
import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import type { OpenView } from '../../src/read/view.ts';
import { scraperKey } from '../../src/store/scrapers.ts';
import { KeptJournal } from './kept-journal.ts';

export interface KeptSnapshot {
  readonly logIndex: number;
  readonly parts: readonly Uint8Array[];
}

/** A journal of which all snapshots are kept, and that goes on when its gateway is another one. */
export class HistoryJournal extends KeptJournal {
  readonly snapshots: KeptSnapshot[] = [];

  override reopened(): HistoryJournal {
    const next = new HistoryJournal();
    next.records.push(...this.records);
    next.snapshots.push(...this.snapshots);
    next.snapshotted = this.snapshotted;
    return next;
  }

  override async snapshot(logIndex: number, parts: AsyncIterable<Uint8Array>) {
    const info = await super.snapshot(logIndex, parts);
    this.snapshots.push(this.snapshotted!);
    return info;
  }
}

/** Hands over records one at a time, and stops after each. */
class FollowedJournal extends KeptJournal {
  readonly #from: KeptSnapshot | undefined;
  readonly #after: (logIndex: number) => Promise<void>;
  readonly #onWaiting: () => void;
  #at = 0;

  constructor(
    records: readonly Uint8Array[],
    from: KeptSnapshot | undefined,
    hooks: { readonly after: (logIndex: number) => Promise<void>; readonly onWaiting: () => void },
  ) {
    super();
    this.records.push(...records);
    this.#from = from;
    this.#after = hooks.after;
    this.#onWaiting = hooks.onWaiting;
  }

  override get logIndex(): number {
    return this.#at;
  }

  override get committedLogIndex(): number {
    return this.#at;
  }

  override append(): number {
    throw new Error('a replica has written a record');
  }

  override async recover(into: RecoverySink): Promise<Recovered> {
    if (this.#from !== undefined) {
      this.#at = this.#from.logIndex;
      await into.snapshot(this.#at, iterate(this.#from.parts));
      await this.#after(this.#at);
    }
    while (this.#at < this.records.length) {
      const applied = into.record(this.#at + 1, this.records[this.#at]!);
      if (applied !== undefined) await this.#whenApplied(applied);
      this.#at += 1;
      await this.#after(this.#at);
    }
    return { snapshotLogIndex: this.#from?.logIndex ?? 0, records: this.records.length, lost: [] };
  }

  async #whenApplied(applied: Promise<void>): Promise<void> {
    let isApplied = false;
    const whenApplied = applied.then(() => {
      isApplied = true;
    });
    for (let turns = 0; turns < 5; turns += 1) await setImmediate();
    if (!isApplied) this.#onWaiting();
    await whenApplied;
  }
}

async function* iterate(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* parts;
}

/** What may be asked of a ledger after some record. */
export interface Facts {
  readonly digest: string;
  readonly pages: readonly string[];
}

const formats: readonly ExpositionFormat[] = [
  { format: 'text', escaping: 'allow-utf-8', version: '1.0.0' },
  { format: 'text', escaping: 'underscores', version: '0.0.4' },
  { format: 'openmetrics', escaping: 'allow-utf-8', version: '1.0.0' },
  { format: 'protobuf', escaping: 'allow-utf-8', version: '1.0.0' },
];

/** In all formats, and for each of these scrapers. */
export async function pagesOf(
  ledger: Ledger,
  view: OpenView,
  scrapers: readonly string[],
): Promise<string[]> {
  const { created, nativeAsClassic, zeroFirst } = view.exposition;
  const page = async (format: ExpositionFormat, seen?: number): Promise<string> => {
    const slices: Uint8Array[] = [];
    const settings = { kept: new ScrapeCache(0), options: { created, nativeAsClassic }, onLeftOut() {} };
    for await (const slice of encodeExposition(view.page(seen), format, settings))
      slices.push(Uint8Array.from(slice));
    return Buffer.concat(slices).toString('latin1');
  };
  const pages: string[] = [];
  for (const format of formats) pages.push(await page(format));
  for (const scraper of scrapers)
    if (zeroFirst)
      pages.push(await page(formats[0]!, ledger.state.showing.scrapers.lastEpoch(scraperKey(scraper))));
  return pages;
}

export async function factsOf(
  ledger: Ledger,
  scrapers: readonly string[],
): Promise<Facts & { readonly logIndex: number }> {
  for (;;) {
    const { logIndex, digest } = await ledger.digest();
    const view = await ledger.openView();
    const isSame = ledger.logIndex === logIndex;
    const pages = isSame ? await pagesOf(ledger, view, scrapers) : [];
    view.close();
    if (isSame) return { logIndex, digest, pages };
  }
}

/** A replica that reads records from the beginning, or from a snapshot on; `after` is called after each, with the views that it may leave open. */
export async function follow(
  records: readonly Uint8Array[],
  how: {
    readonly options: GatewayOptions;
    readonly hashSeed: number;
    readonly from?: KeptSnapshot | undefined;
    readonly after: (logIndex: number, ledger: Ledger) => Promise<void>;
    /** A record waits for what is read. */
    readonly onWaiting?: () => void | Promise<void>;
  },
): Promise<void> {
  const journal: FollowedJournal = new FollowedJournal(records, how.from, {
    after: (logIndex) => how.after(logIndex, ledger),
    onWaiting: () => void how.onWaiting?.(),
  });
  const { options, hashSeed } = how;
  const ledger = new Ledger({ journal, options, clock: { now: () => 1 }, hashSeed });
  await ledger.recover();
}
