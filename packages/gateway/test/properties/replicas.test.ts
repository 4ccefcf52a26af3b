/**
 * The law of replicas: whoever has the same records has the same exposition, in all formats, and the same digest after each of them; whatever its
 * hash seed, flags and limits are, whoever reads meanwhile, and whether it has read all records or begun with a snapshot.
 */
import { setImmediate } from 'node:timers/promises';

import fc from 'fast-check';
import { expect, test, vi } from 'vitest';

import { embed, partsOf } from '../../src/embed.ts';
import { Ledger } from '../../src/gateway/ledger/ledger.ts';
import type { EmbeddedOptions } from '../../src/index.ts';
import { RequestError } from '../../src/index.ts';
import type { OpenView } from '../../src/read/view.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';
import { RecordCode } from '../../src/wal/commands.ts';
import { step as stateStep } from '../state/course.ts';
import { asOpenMetrics, asProtobuf, richFamilies } from '../support/rich-pushes.ts';
import { factsOf, follow, HistoryJournal, pagesOf } from '../support/replicas.ts';
import type { Facts, KeptSnapshot } from '../support/replicas.ts';
import { runs } from '../support/runs.ts';
import { shortenSteps } from '../support/short-steps.ts';
import { ruleFile, textOf } from './rule-files.ts';

const scrapers = ['one', 'two'];

/** What may differ from process to process. */
const flags: fc.Arbitrary<EmbeddedOptions> = fc.record({
  byJob: fc.boolean(),
  jobCounterResets: fc.constantFrom('overwrite', 'accumulate', 'accumulate-by-value'),
  jobPruneDurationMs: fc.constantFrom(0, 1000),
  jobForgetDurationMs: fc.constantFrom(0, 2500),
  seriesTtlMs: fc.constantFrom(0, 1500),
  pathLabels: fc.constantFrom('drop', 'add'),
  summaries: fc.constantFrom('discard', 'sum-and-count'),
  idempotencyWindowMs: fc.constantFrom(600, 86_400_000),
  idempotencyKeysMax: fc.constantFrom(1, 3, 1_000_000),
  nativeAsClassic: fc.boolean(),
  zeroFirst: fc.boolean(),
  openmetricsCreated: fc.boolean(),
  limits: fc.record({
    nativeBucketsMax: fc.constantFrom(2, 4, 160),
    exemplarsMax: fc.constantFrom(0, 2, 100_000),
    seriesMax: fc.constantFrom(60, 5_000_000),
    otherSpellingsBytesMax: fc.constantFrom(1, 1 << 22),
  }),
});

const job = fc.constantFrom('a', 'b', 'c');
const body = fc.oneof(
  {
    weight: 3,
    arbitrary: stateStep
      .filter((each) => 'push' in each)
      .map(({ push }) => ({ body: push as string | Buffer, format: 'text' as const })),
  },
  richFamilies.map((all) => ({ body: asOpenMetrics(all), format: 'openmetrics' as const })),
  {
    weight: 2,
    arbitrary: richFamilies.map((all) => ({ body: asProtobuf(all), format: 'protobuf' as const })),
  },
  fc.record({ l: fc.constantFrom('a', 'b'), value: fc.integer({ min: -5, max: 9 }) }).map(({ l, value }) => ({
    body: `# TYPE g gauge\ng{l="${l}"} ${value}\n# TYPE k gauge\nk ${-value}\n`,
    format: 'text' as const,
  })),
);
const push = fc.record({
  push: body,
  job,
  method: fc.constantFrom('PUT', 'POST'),
  key: fc.option(fc.nat(12), { nil: undefined }),
});
const step = fc.oneof(
  { weight: 12, arbitrary: push },
  { weight: 3, arbitrary: fc.record({ waitMs: fc.constantFrom(1, 400, 1001, 2600) }) },
  { weight: 2, arbitrary: fc.record({ rules: fc.option(ruleFile, { nil: undefined }) }) },
  // As the leader of a cluster does: a few files that come again.
  {
    weight: 2,
    arbitrary: fc.record({
      shared: fc.constantFrom('max', 'min', 'last'),
      digest: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ retire: job }) },
  { weight: 2, arbitrary: fc.record({ drop: fc.constantFrom('{l="a"}', 'g', 'b_total', '{a="1"}', 'h') }) },
  { weight: 3, arbitrary: fc.record({ scrape: fc.constantFrom(...scrapers) }) },
  { weight: 2, arbitrary: fc.constant({ recycle: true as const }) },
  // Parts of it are read between pushes.
  {
    weight: 2,
    arbitrary: fc.record({
      meanwhile: fc.array(fc.oneof(push, fc.record({ scrape: fc.constantFrom(...scrapers) })), {
        maxLength: 6,
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ restart: flags }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A gateway that writes records, and what it showed after some of them. */
class Writer {
  readonly shown = new Map<number, Facts>();
  /** Those that were asked for while a snapshot was written. */
  readonly digests = new Map<number, string>();
  #nowMs = 1_700_000_000_000;
  #journal = new HistoryJournal();
  #gateway!: ReturnType<typeof embed>;
  #ledger!: Ledger;
  #rules: object | undefined;

  get records(): readonly Uint8Array[] {
    return this.#journal.records;
  }

  get snapshots(): readonly KeptSnapshot[] {
    return this.#journal.snapshots;
  }

  async run(options: EmbeddedOptions, steps: readonly Step[]): Promise<void> {
    await this.#open(options);
    for (const each of steps) {
      await this.#tryTo(each);
      const { logIndex, ...facts } = await factsOf(this.#ledger, scrapers);
      this.shown.set(logIndex, facts);
    }
    await this.#gateway.embedded.close();
  }

  async #open(options: EmbeddedOptions): Promise<void> {
    const begun = vi.spyOn(Ledger.prototype, 'begin');
    // It goes on all the time, as clocks do.
    const clock = { now: () => (this.#nowMs += 0.125) };
    this.#gateway = embed(
      { ...options, clock, ...(this.#rules === undefined ? {} : { rules: this.#rules }) },
      this.#journal,
    );
    await this.#gateway.gateway.open(3_600_000, { acceptModeChange: true });
    this.#ledger = begun.mock.contexts.at(-1) as Ledger;
    begun.mockRestore();
  }

  /** Some pushes are refused, and some rules. */
  async #tryTo(each: Step): Promise<void> {
    try {
      await this.#take(each);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
    }
  }

  async #take(each: Step): Promise<void> {
    const { gateway, embedded } = this.#gateway;
    this.#nowMs += 1;
    if ('push' in each) {
      const { push, job: of, method, key } = each;
      const idempotencyKey = key === undefined ? undefined : `key ${key}`;
      await embedded.push(push.body, {
        path: `job/${of}`,
        method,
        format: push.format,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
    } else if ('waitMs' in each) this.#nowMs += each.waitMs;
    else if ('rules' in each) {
      const rules = each.rules === undefined ? {} : textOf(each.rules);
      await embedded.setRules(rules);
      this.#rules = rules;
    } else if ('shared' in each) {
      const rules = { metrics: [{ match: 'g', gauge: each.shared }] };
      const text = JSON.stringify(rules);
      await gateway.setRules(readRules(text).rules!, { digest: each.digest, text });
      this.#rules = rules;
    } else if ('retire' in each) await embedded.delete(`job/${each.retire}`);
    else if ('drop' in each)
      await gateway.deleteMany({ what: 'series', match: [each.drop], isDryRun: false });
    else if ('scrape' in each) await embedded.scrape({ scraper: each.scrape });
    else if ('recycle' in each) {
      // As after a push that was refused for what freed series take.
      this.#ledger.state.isShortOfSpace = true;
      this.#ledger.recycleWhenShort();
    } else if ('meanwhile' in each) {
      const taken = gateway.snapshots.take();
      const digested = this.#ledger.digest();
      for (const one of each.meanwhile) {
        for (let turns = 0; turns < 2; turns += 1) await setImmediate();
        await this.#tryTo(one);
      }
      await taken;
      const { logIndex, digest } = await digested;
      this.digests.set(logIndex, digest);
    } else await this.#restart(each.restart);
  }

  async #restart(options: EmbeddedOptions): Promise<void> {
    void this.#gateway.embedded.close();
    this.#journal = this.#journal.reopened();
    await this.#open(options);
  }
}

/** One that checks after each record, or each few, what those before it had. */
interface Replica {
  readonly options: EmbeddedOptions;
  readonly hashSeed: number;
  readonly from?: KeptSnapshot | undefined;
  /** Keeps a view open, from record to record, until one has to wait for it. */
  readonly reads: boolean;
  readonly every: number;
}

const seen = { shared: 0, recycled: 0, waited: 0, fromSnapshots: 0, zeroFirst: 0 };

async function check(
  records: readonly Uint8Array[],
  expected: Map<number, Facts>,
  replica: Replica,
): Promise<void> {
  const { options, hashSeed, from, reads, every } = replica;
  let open: { view: OpenView; ledger: Ledger; pages: readonly string[] } | undefined;
  const close = async (): Promise<void> => {
    const was = open;
    open = undefined;
    if (was === undefined) return;
    // Without zeros, which follow what scrapers have seen since.
    const [first] = await pagesOf(was.ledger, was.view, []);
    was.view.close();
    expect(first).toBe(was.pages[0]);
  };
  await follow(records, {
    options: partsOf(options).gatewayOptions,
    hashSeed,
    from,
    async after(logIndex, ledger) {
      if (reads && open !== undefined && logIndex % 5 === 0) await close();
      if (reads && open === undefined) {
        const view = await ledger.openView();
        open = { view, ledger, pages: await pagesOf(ledger, view, []) };
      }
      const known = expected.get(logIndex);
      if (known === undefined && logIndex % every !== 0) return;
      const { digest, pages } = await factsOf(ledger, scrapers);
      if (known === undefined) expected.set(logIndex, { digest, pages });
      else {
        const where = `after record ${logIndex} of ${records.length}, of kind ${records[logIndex - 1]?.[0]}`;
        expect(pages, where).toEqual(known.pages);
        expect(digest, where).toBe(known.digest);
      }
      if (ledger.state.showing.config.zeroFirst) seen.zeroFirst += 1;
    },
    onWaiting() {
      if (open === undefined) return;
      seen.waited += 1;
      void close();
    },
  });
  await close();
}

test('whoever has the same records shows the same, and has the same digest', async () => {
  await fc.assert(
    fc.asyncProperty(
      flags,
      fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
      fc.array(flags, { minLength: 3, maxLength: 3 }),
      async (options, steps, others) => {
        const writer = new Writer();
        await writer.run(options, steps);
        const { records, shown, snapshots } = writer;
        seen.shared += records.filter(([code]) => code === RecordCode.RULES).length;
        seen.recycled += records.filter(([code]) => code === RecordCode.RECYCLE).length;
        await check(records, shown, { options: others[0]!, hashSeed: 1, reads: false, every: 1 });
        for (const [logIndex, digest] of writer.digests) expect(shown.get(logIndex)?.digest).toBe(digest);
        await check(records, shown, { options: others[1]!, hashSeed: 2, reads: true, every: 3 });
        for (const from of snapshots) {
          seen.fromSnapshots += 1;
          await check(records, shown, { options: others[2]!, hashSeed: 3, from, reads: true, every: 2 });
        }
      },
    ),
    { numRuns: runs(150, 10) },
  );
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);
});

test('records wait for views that are being opened, and for views that are read where numbers are used again', async () => {
  shortenSteps(100_000);
  const writer = new Writer();
  const series = (name: string): string =>
    Array.from({ length: 20 }, (_, i) => `${name}{i="${i}"} 1\n`).join('');
  const text = (name: string): Step => ({
    push: { body: `# TYPE ${name} gauge\n${series(name)}`, format: 'text' },
    job: 'a',
    method: 'POST',
    key: undefined,
  });
  await writer.run({}, [text('g'), { drop: 'g' }, { recycle: true }, text('k'), text('l')]);
  expect(writer.records.map(([code]) => code)).toContain(RecordCode.RECYCLE);
  const views: Promise<OpenView>[] = [];
  let waited = 0;
  await follow(writer.records, {
    options: partsOf({}).gatewayOptions,
    hashSeed: 5,
    // Nobody waits until it is open.
    after: async (_, ledger) => void views.push(ledger.openView()),
    async onWaiting() {
      waited += 1;
      for (const view of views.splice(0)) (await view).close();
    },
  });
  expect(waited).toBeGreaterThan(0);
});
