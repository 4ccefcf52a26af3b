/** What metrics, labels and series there are: what it costs others, where it is cut, and who waits. */
import { afterEach, describe, expect, test, vi } from 'vitest';

import { embed } from '../../src/embed.ts';
import type { ListRequest } from '../../src/gateway/api.ts';
import { Listings } from '../../src/gateway/listings/listings.ts';
import { Look } from '../../src/gateway/listings/look.ts';
import { Rows } from '../../src/gateway/listings/rows.ts';
import { SeriesList } from '../../src/gateway/listings/series-list.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { ClientGone } from '../../src/model/client-gone.ts';
import { RequestError } from '../../src/model/errors.ts';
import { parseMatch } from '../../src/rules/match-parameter.ts';
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

/** Listings of a small gateway, with answers of so many bytes. */
function listingsOf(bytesMax?: number) {
  const desk = new ScrapeDesk();
  const listings = new Listings({
    scrapes: desk.scrapes,
    ...(bytesMax === undefined ? {} : { bytesMax }),
  });
  const list = async (request: ListRequest): Promise<[data: unknown, warnings: readonly string[]]> => {
    const { data, warnings } = await listings.list(request);
    return [JSON.parse(Buffer.concat(data).toString()), warnings];
  };
  return { desk, listings, list, push: (text: string) => desk.push(text) };
}

const all = { match: [], limit: Infinity } as const;
const labels = { what: 'labels', ...all } as const;

describe('many series', () => {
  const SERIES = 100_000;
  const PUSHED = 20_000;

  test('are looked at in turns of few steps', async () => {
    const { gateway } = embed({}, memoryJournal());
    for (let from = 0; from < SERIES; from += PUSHED)
      await gateway.push({
        method: 'POST',
        key: { labels: [], job: undefined, text: '' as never },
        body: Buffer.from(lines(from, from + PUSHED)),
      });
    // So that it is not the clock that ends a turn.
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const asked = gateway.list({ what: 'values', label: 'kind', ...all });
    expect(await turnsDuring(asked)).toBeGreaterThan(SERIES / (64 * 32));
    expect(Buffer.concat((await asked).data).toString()).toBe('["0","1","2","3","4","5","6"]');
    await gateway.close();
  });

  test('each step visits few rows', () => {
    const desk = new ScrapeDesk();
    desk.push(lines(0, 3_000));
    const view = viewOf(desk.ledger.state);
    const seen = watchedView(view);
    let before = 0;
    const look = new Look(new SeriesList(Infinity, 1e9), undefined);
    for (const _ of look.run(seen.view)) {
      expect(seen.visited() - before).toBeLessThanOrEqual(32);
      before = seen.visited();
    }
    expect(seen.visited()).toBe(3_000);
    view.close();
  });

  test('a histogram of many buckets is looked at in several steps', () => {
    const desk = new ScrapeDesk();
    const buckets = Array.from({ length: 499 }, (_, i) => `h_bucket{le="${i}"} 1`);
    desk.push(`# TYPE h histogram\n${buckets.join('\n')}\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`);
    const view = viewOf(desk.ledger.state);
    const list = new SeriesList(Infinity, 1e9);
    const add = vi.spyOn(list, 'add');
    let before = 0;
    for (const _ of new Look(list, undefined).run(view)) {
      expect(add.mock.calls.length - before).toBeLessThanOrEqual(64);
      before = add.mock.calls.length;
    }
    expect(add).toHaveBeenCalledTimes(502);
    view.close();
  });

  test('a series is held against many matchers in several steps', () => {
    const desk = new ScrapeDesk();
    desk.push('a{x="1"} 1\n');
    const matchers = Array.from({ length: 400 }, (_, i) => `l${i}=""`).join(',');
    const selectors = Array.from({ length: 10 }, () => parseMatch(`{x=~".",${matchers},x="2"}`));
    const valueOf = vi.spyOn(Rows.prototype, 'valueOf');
    const view = viewOf(desk.ledger.state);
    let before = 0;
    for (const _ of new Look(new SeriesList(1, 1e9), selectors).run(view)) {
      expect(valueOf.mock.calls.length - before).toBeLessThanOrEqual(64);
      before = valueOf.mock.calls.length;
    }
    expect(valueOf).toHaveBeenCalledTimes(10 * 402);
    view.close();
  });

  test('of a name that is known no more are looked at', async () => {
    const { desk, list, push } = listingsOf();
    push(lines(0, 1_000));
    push('# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_count 1\n');
    const turns = await turnsDuring(list({ what: 'values', label: '__name__', ...all }));
    expect(turns).toBeLessThan(20);
    expect(desk.scrapes.report.open).toBe(0);
  });
});

describe('a limit', () => {
  const pushed = 'b{x="1"} 1\na{x="2",y="3"} 1\nc{x="1"} 1\n';

  test.each<[ListRequest, unknown]>([
    [{ what: 'labels', match: [], limit: 2 }, ['__name__', 'x']],
    [{ what: 'values', label: 'x', match: [], limit: 1 }, ['1']],
    [{ what: 'values', label: '__name__', match: [], limit: 2 }, ['a', 'b']],
    [{ what: 'series', match: ['{x!=""}'], limit: 1 }, [{ __name__: 'a', x: '2', y: '3' }]],
  ])('cuts %j, and says so', async (request, expected) => {
    const { list, push } = listingsOf();
    push(pushed);
    expect(await list(request)).toEqual([expected, ['results truncated due to limit']]);
  });

  test.each<[ListRequest, number]>([
    [{ what: 'labels', match: [], limit: 3 }, 3],
    [{ what: 'values', label: 'x', match: [], limit: 2 }, 2],
    [{ what: 'series', match: ['{x!=""}'], limit: 3 }, 3],
  ])('as large as the answer cuts nothing of %j', async (request, count) => {
    const { list, push } = listingsOf();
    push(pushed);
    const [data, warnings] = await list(request);
    expect([(data as unknown[]).length, warnings]).toEqual([count, []]);
  });

  test('of metadata is no warning, as in Prometheus', async () => {
    const { list, push } = listingsOf();
    push(pushed);
    const [data, warnings] = await list({ what: 'metadata', limit: 2 });
    expect([Object.keys(data as object), warnings]).toEqual([['a', 'b'], []]);
    expect(await list({ what: 'metadata', limit: 0 })).toEqual([{}, []]);
  });
});

describe('an answer has so many bytes', () => {
  const BYTES = 1_000;
  const warnings = ['results truncated: they exceed 1000 bytes; ask for less'];

  test.each<[ListRequest['what'], ListRequest]>([
    ['series', { what: 'series', match: ['many'], limit: Infinity }],
    ['values', { what: 'values', label: 'id', ...all }],
    ['metadata', { what: 'metadata', limit: Infinity }],
    ['labels', labels],
  ])('of %s', async (_, request) => {
    const { desk, list, push } = listingsOf(BYTES);
    push(lines(0, 100));
    push(Array.from({ length: 100 }, (__, i) => `other_${i}{label_${i}="x"} 1\n`).join(''));
    const [data, warned] = await list(request);
    expect(JSON.stringify(data).length).toBeLessThanOrEqual(BYTES + 2);
    expect(Object.keys(data as object).length).toBeGreaterThan(5);
    expect(warned).toEqual(warnings);
    expect(desk.scrapes.report.open).toBe(0);
  });

  test('also where the texts take more as JSON', async () => {
    const { list, push } = listingsOf(BYTES);
    push(`a{x="${'\u0001'.repeat(500)}"} 1\na{x="b"} 1\n`);
    expect(await list({ what: 'values', label: 'x', ...all })).toEqual([[], warnings]);
  });

  test('and may have as many', async () => {
    const { list, push } = listingsOf(BYTES);
    push(lines(0, 10));
    const [data, warned] = await list({ what: 'series', match: ['many'], limit: Infinity });
    expect([(data as unknown[]).length, warned]).toEqual([10, []]);
  });
});

describe('those who ask', () => {
  test('for what cannot be read hear of it at once', async () => {
    const { desk, list } = listingsOf();
    const messageOf = (match: readonly string[]): Promise<string> =>
      list({ ...labels, match }).then(
        () => 'taken',
        (error: RequestError) => `${error.code}: ${error.message}`,
      );
    expect(await messageOf(['a{b='])).toMatch(/^invalid_parameter: match\[\] "a\{b=", character 5/);
    for (const text of ['{}', '{a=""}', '{a=~".*"}'])
      expect(await messageOf([text])).toBe(
        `invalid_parameter: match[] ${JSON.stringify(text)} needs at least one matcher that does not match an empty value`,
      );
    expect(await messageOf(Array.from({ length: 65 }, () => 'a'))).toContain('the maximum is 64');
    expect(await messageOf(['a'.repeat(5_000)])).toContain('the maximum is 4096');
    expect(await messageOf(['{a=~"("}'])).toContain('is not RE2');
    expect(await messageOf(['{a=~"(x?){500}"}'])).toContain('repeats too much');
    expect(desk.scrapes.report.views).toBe(0);
  });

  test('and leave stop their look', async () => {
    const { list, push } = listingsOf();
    push(lines(0, 3_000));
    const client = { isGone: false };
    const asked = list({ ...labels, client });
    const refused = expect(asked).rejects.toBeInstanceOf(ClientGone);
    for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
    client.isGone = true;
    await refused;
    await expect(list({ ...labels, client })).rejects.toBeInstanceOf(ClientGone);
    // The next one is not held up by that.
    expect((await list(labels))[0]).toEqual(['__name__', 'id', 'kind']);
  });

  test('at the same time are answered one after the other', async () => {
    const { desk, list, push } = listingsOf();
    push(lines(0, 1_000));
    const asked = [list(labels), list(labels), list({ what: 'metadata', limit: Infinity })];
    let open = 0;
    const timer = setInterval(() => (open = Math.max(open, desk.scrapes.report.open)), 0);
    for (const each of asked) await each;
    clearInterval(timer);
    expect(open).toBeLessThanOrEqual(1);
  });

  test('while it closes are refused', async () => {
    const { listings, list, push } = listingsOf();
    push(lines(0, 1_000));
    const refused = expect(list(labels)).rejects.toMatchObject({ code: 'shutting_down' });
    listings.close();
    await refused;
  });

  test('where scrapes leave no place hear of it', async () => {
    const listings = new Listings({
      scrapes: { read: () => Promise.reject(new RequestError('overloaded', 'too many scrapes')) },
    });
    await expect(listings.list(labels)).rejects.toMatchObject({
      code: 'overloaded',
      message: expect.stringContaining('to look at the series') as string,
    });
  });
});
