/** Who has how many series: what it costs others, and what is shared. */
import { afterEach, describe, expect, test, vi } from 'vitest';

import { embed } from '../../src/embed.ts';
import { defaultPairBounds } from '../../src/gateway/statistics/label-pairs.ts';
import { SeriesCounts } from '../../src/gateway/statistics/series-counts.ts';
import { Statistics } from '../../src/gateway/statistics/statistics.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { ClientGone } from '../../src/model/client-gone.ts';
import { RequestError } from '../../src/model/errors.ts';
import { viewOf } from '../../src/read/view.ts';
import { turnsDuring } from '../support/turns-during.ts';
import { watchedView } from '../support/watched-view.ts';
import { ScrapeDesk } from './scrape-desk.ts';

afterEach(() => vi.restoreAllMocks());

function lines(from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i += 1) text += `many{id="${i}",kind="${i % 7}"} 1\n`;
  return text;
}

describe('many series', () => {
  const SERIES = 200_000;
  const PUSHED = 20_000;

  test('are counted in steps of a few rows, and in turns of few steps', async () => {
    const { gateway } = embed({}, memoryJournal());
    for (let from = 0; from < SERIES; from += PUSHED)
      await gateway.push({
        method: 'POST',
        key: { labels: [], job: undefined, text: '' as never },
        body: Buffer.from(lines(from, from + PUSHED)),
      });
    // So that it is not the clock that ends a turn.
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const asked = gateway.statistics();
    const turns = await turnsDuring(asked);
    expect(turns).toBeGreaterThan(SERIES / (64 * 32));
    const found = await asked;
    expect(found).toMatchObject({ series: SERIES, labelPairs: 1 + SERIES + 7, warnings: [] });
    expect(found.valuesByLabel).toEqual([
      { name: 'id', value: SERIES },
      { name: 'kind', value: 7 },
      { name: '__name__', value: 1 },
    ]);
    expect(found.seriesByPair.slice(0, 3)).toEqual([
      { name: '__name__=many', value: SERIES },
      { name: 'kind=0', value: 28_572 },
      { name: 'kind=1', value: 28_572 },
    ]);
    expect(found.seriesByPair).toHaveLength(10_000);
    await gateway.close();
  });

  test('each step visits few rows', () => {
    const desk = new ScrapeDesk();
    desk.push(lines(0, 3_000));
    const view = viewOf(desk.ledger.state);
    const seen = watchedView(view);
    const counts = new SeriesCounts(defaultPairBounds);
    let before = 0;
    for (const _ of counts.count(seen.view)) {
      expect(seen.visited() - before).toBeLessThanOrEqual(32);
      before = seen.visited();
    }
    expect(seen.visited()).toBe(3_000);
    view.close();
  });
});

describe('those who ask', () => {
  /** A look that ends when it is told. */
  function looked() {
    const { scrapes, push } = deskOf();
    const turns: (() => void)[] = [];
    let looks = 0;
    const statistics = new Statistics({
      scrapes: {
        read: async (request, reader) => {
          looks += 1;
          await new Promise<void>((resolve) => turns.push(resolve));
          return scrapes.read(request, reader);
        },
      },
      bounds: defaultPairBounds,
    });
    return { statistics, push, looks: () => looks, goOn: () => turns.shift()?.() };
  }

  function deskOf() {
    const desk = new ScrapeDesk();
    return { scrapes: desk.scrapes, push: (text: string) => desk.push(text) };
  }

  const settled = async (): Promise<void> => {
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
  };

  test('at the same time share one look, and those who come later share the next', async () => {
    const { statistics, push, looks, goOn } = looked();
    push('a 1\n');
    const early = [statistics.ask(undefined), statistics.ask(undefined)];
    await settled();
    expect(looks()).toBe(1);
    const late = [statistics.ask(undefined), statistics.ask(undefined)];
    await settled();
    expect(looks()).toBe(1);
    goOn();
    for (const asked of early) expect((await asked).series).toBe(1);
    push('b 1\n');
    await settled();
    expect(looks()).toBe(2);
    goOn();
    for (const asked of late) expect((await asked).series).toBe(2);
    expect(looks()).toBe(2);
  });

  test('and all go away stop it; one that stays gets it', async () => {
    const { statistics, push, goOn, looks } = looked();
    push('a 1\n');
    const leaving = { isGone: false };
    const alone = statistics.ask(leaving);
    await settled();
    leaving.isGone = true;
    const both = [statistics.ask(leaving), statistics.ask({ isGone: false })];
    goOn();
    await expect(alone).rejects.toBeInstanceOf(ClientGone);
    await settled();
    goOn();
    expect((await both[1]!).series).toBe(1);
    // What nobody waits for is not begun.
    await expect(statistics.ask({ isGone: true })).rejects.toBeInstanceOf(ClientGone);
    expect(looks()).toBe(2);
  });

  test('while it closes are refused', async () => {
    const { statistics, goOn } = looked();
    const asked = statistics.ask(undefined);
    const refused = expect(asked).rejects.toMatchObject({ code: 'shutting_down' });
    await settled();
    statistics.close();
    goOn();
    await refused;
  });

  test('where scrapes leave no place hear of it', async () => {
    const statistics = new Statistics({
      scrapes: { read: () => Promise.reject(new RequestError('overloaded', 'too many scrapes')) },
      bounds: defaultPairBounds,
    });
    await expect(statistics.ask(undefined)).rejects.toMatchObject({
      code: 'overloaded',
      message: expect.stringContaining('to count the series') as string,
    });
  });
});

test('a look takes a place among the scrapes, and gives it back', async () => {
  const desk = new ScrapeDesk({ scrapesMax: 1 });
  desk.push('a 1\n');
  let isDone: () => void = () => {};
  const reading = desk.scrapes.read({}, async (view) => {
    expect(desk.scrapes.report).toMatchObject({ open: 1, views: 1 });
    await new Promise<void>((resolve) => (isDone = resolve));
    return [...view.families()].length;
  });
  const scrape = desk.scrape();
  for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(scrape.state).toBe('waiting');
  isDone();
  await reading;
  expect(await scrape.read()).toContain('a 1\n');
  scrape.close();
  expect(desk.scrapes.report).toEqual({ open: 0, waiting: 0, views: 0, bytes: 0 });
});
