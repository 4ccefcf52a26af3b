/** Who gets a page, when, and who is cut off. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { counters, ScrapeDesk, settled } from './scrape-desk.ts';
import type { TriedScrape } from './scrape-desk.ts';
import { runs } from '../support/runs.ts';

const states = (scrapes: readonly TriedScrape[]): readonly string[] => scrapes.map(({ state }) => state);

/** Reads nothing of what it was given. */
function stop(...scrapes: readonly TriedScrape[]): void {
  for (const { reader } of scrapes) reader.isBehind = true;
}

describe('places', () => {
  test('only so many scrapes are under way; others wait, first come, first served', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 2 });
    desk.push('a 1\n');
    const all = Array.from({ length: 5 }, () => desk.scrape());
    await settled();
    expect(states(all)).toEqual(['open', 'open', 'waiting', 'waiting', 'waiting']);
    all[1]!.close();
    await settled();
    expect(states(all)).toEqual(['open', 'open', 'open', 'waiting', 'waiting']);
    all[0]!.close();
    await settled();
    expect(states(all)).toEqual(['open', 'open', 'open', 'open', 'waiting']);
    expect(desk.scrapes.report).toMatchObject({ open: 2, waiting: 1 });
  });

  test('a page that was written keeps its place until it was taken, and no view', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 1 });
    desk.push('a 1\n');
    const first = desk.scrape();
    expect(await first.read()).toContain('a 1\n');
    const second = desk.scrape();
    await settled();
    expect(states([first, second])).toEqual(['whole', 'waiting']);
    expect(desk.scrapes.report).toMatchObject({ open: 1, waiting: 1, views: 0 });
    first.close();
    expect(await second.read()).toContain('a 1\n');
  });

  test('one that goes while it waits leaves the queue', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 1 });
    const [first, second, third] = [desk.scrape(), desk.scrape(), desk.scrape()];
    await settled();
    second.close();
    first.close();
    await settled();
    expect(states([second, third])).toEqual(['the scraper closed the connection', 'whole']);
    third.close();
    expect(desk.scrapes.report).toMatchObject({ open: 0, waiting: 0, views: 0, bytes: 0 });
  });

  test('a view that all have left before it was open is closed', async () => {
    const desk = new ScrapeDesk();
    desk.scrape().close();
    await settled();
    expect(desk.scrapes.report).toEqual({ open: 0, waiting: 0, views: 0, bytes: 0 });
    desk.push('a 1\n');
    expect(desk.ledger.state.wantsRecycling).toBe(false);
    expect(await desk.scrape().read()).toBe('# TYPE a untyped\na 1\n');
  });

  test('too many wait: the newest of the network with most of them is turned away', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 1, waitingPerPlace: 3 });
    const hostile = Array.from({ length: 6 }, () => desk.scrape({ network: 'h' }));
    const honest = desk.scrape({ network: 'p' });
    await settled();
    expect(states(hostile)).toEqual([
      'whole',
      'waiting',
      'overloaded',
      'overloaded',
      'overloaded',
      'overloaded',
    ]);
    expect(honest.state).toBe('waiting');
    expect(desk.counted).toEqual(Array.from({ length: 4 }, () => 'turned away queue_full'));
    hostile[0]!.close();
    await settled();
    // It has had nothing so far.
    expect(states([honest, ...hostile.slice(0, 2)])).toEqual(['whole', 'whole', 'waiting']);
  });

  test('who waits in vain is turned away', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 1 });
    const first = desk.scrape();
    const [patient, other] = [desk.scrape(), desk.scrape({ timeoutMs: 4_000 })];
    await settled();
    desk.pass(3_900);
    await settled();
    expect(other.state).toBe('waiting');
    desk.pass(100);
    await settled();
    expect(states([first, patient, other])).toEqual(['whole', 'waiting', 'overloaded']);
    desk.pass(6_000);
    await settled();
    expect(patient.state).toBe('overloaded');
    expect(desk.counted).toEqual(['turned away waited', 'turned away waited']);
  });

  test('what fails when a view is opened fails for all who wait', async () => {
    const desk = new ScrapeDesk();
    desk.ledger.openView = () => Promise.reject(new Error('the disk is gone'));
    const all = [desk.scrape(), desk.scrape()];
    await settled();
    expect(states(all)).toEqual(['the disk is gone', 'the disk is gone']);
    expect(desk.scrapes.report).toMatchObject({ open: 0, waiting: 0 });
  });
});

describe('views', () => {
  test('those who wait share one, and those who come later have another', async () => {
    const desk = new ScrapeDesk();
    desk.push('a 1\n');
    const early = [desk.scrape(), desk.scrape(), desk.scrape()];
    await settled();
    expect(desk.scrapes.report.views).toBeLessThanOrEqual(1);
    desk.push('a 1\n');
    const late = desk.scrape();
    await settled();
    for (const scrape of early) expect(await scrape.read()).toContain('a 1\n');
    expect(await late.read()).toContain('a 2\n');
  });

  test('a page has every push that was answered before it was asked for, and is what a page by itself would be', async () => {
    type Step = 'push' | 'scrape' | 'read' | 'close' | 'turn';
    const step = fc.constantFrom<Step>('push', 'scrape', 'scrape', 'read', 'close', 'turn');
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40, size: 'max' }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom(0, 1_000_000_000),
        async (steps, scrapesMax, viewsBytesMax) => {
          const desk = new ScrapeDesk({ scrapesMax, viewsBytesMax });
          const expositions = ['# TYPE p_total counter\np_total 0\n# TYPE q gauge\nq 0\n'];
          desk.push(expositions[0]!);
          const open: { readonly scrape: TriedScrape; readonly since: number }[] = [];
          const isRight = async (): Promise<void> => {
            const [first] = open.splice(0, 1);
            if (first === undefined) return;
            const text = await first.scrape.read();
            const shown = Number(/^p_total (\d+)$/m.exec(text)?.[1]);
            expect(shown).toBeGreaterThanOrEqual(first.since);
            expect(text).toBe(expositions[shown]);
            first.scrape.close();
          };
          for (const each of steps) {
            if (each === 'push') {
              const count = expositions.length;
              desk.push(`p_total 1\nq 1\n# TYPE n${count} gauge\nn${count} 1\n`);
              const newSeries = Array.from({ length: count }, (_, i) => `n${i + 1}`).sort();
              const more = newSeries.map((name) => `# TYPE ${name} gauge\n${name} 1\n`).join('');
              expositions.push(
                `${more}# TYPE p_total counter\np_total ${count}\n# TYPE q gauge\nq ${count}\n`,
              );
            } else if (each === 'scrape') open.push({ scrape: desk.scrape(), since: expositions.length - 1 });
            else if (each === 'read') await isRight();
            else if (each === 'close') open.pop()?.scrape.close();
            else await new Promise((resolve) => setImmediate(resolve));
          }
          while (open.length > 0) await isRight();
          expect(desk.scrapes.report).toEqual({ open: 0, waiting: 0, views: 0, bytes: 0 });
        },
      ),
      { numRuns: runs(150) },
    );
  });

  test('one is always let in; others wait until there is memory for theirs', async () => {
    const desk = new ScrapeDesk({ viewsBytesMax: 1 });
    desk.push(counters(300_000));
    const [first, second] = [desk.scrape(), desk.scrape()];
    await settled();
    expect(states([first, second])).toEqual(['open', 'waiting']);
    expect(desk.scrapes.report).toMatchObject({ open: 1, waiting: 1, views: 1 });
    await first.read();
    await settled();
    expect(states([first, second])).toEqual(['whole', 'open']);
  });

  test('what readers have not taken counts with the views', async () => {
    const desk = new ScrapeDesk();
    desk.push('a 1\n');
    const { families, accumulators } = desk.ledger.state;
    const before = { families: families.size, accumulators: accumulators.size };
    desk.push(counters(300_000));
    const scrape = desk.scrape();
    scrape.reader.bufferBytes = 0;
    await settled();
    const { bytes } = desk.scrapes.report;
    expect(before).toEqual({ families: 1, accumulators: 1 });
    // 8 bytes are the copy of the sum alone.
    expect(bytes).toBeGreaterThan(accumulators.size * 8);
    expect(bytes).toBeLessThan(accumulators.size * 20);
    scrape.close();
    expect(desk.scrapes.report.bytes).toBe(0);
  });
});

describe('time', () => {
  test.each([
    ['a minute where the scraper does not say', undefined, 60_000],
    ['as long as the scraper says', 15_000, 15_000],
    ['two minutes at most', 3_600_000, 120_000],
  ])('a page lives %s', async (_name, timeoutMs, livesMs) => {
    const desk = new ScrapeDesk();
    desk.push(counters(300_000));
    const scrape = desk.scrape({ timeoutMs });
    await settled();
    scrape.reader.isBehind = true;
    for (let ms = 0; ms < livesMs - 100; ms += 100) {
      scrape.reader.takenBytes += 1;
      desk.pass(100);
    }
    expect(scrape.reader.cuts).toEqual([]);
    expect(desk.scrapes.report.views).toBe(1);
    desk.pass(100);
    expect(scrape.reader.cuts).toEqual(['lifetime']);
    // At once, not when the reader notices.
    expect(desk.scrapes.report).toEqual({ open: 0, waiting: 0, views: 0, bytes: 0 });
    const { text } = scrape;
    await scrape.read();
    expect(scrape.state).toBe('overloaded');
    expect(scrape.text).toBe(text);
  });

  test('a reader that takes nothing is cut off after a minute, not after two', async () => {
    const desk = new ScrapeDesk();
    desk.push(counters(300_000));
    const scrape = desk.scrape({ timeoutMs: 120_000 });
    await settled();
    stop(scrape);
    desk.pass(20_000);
    scrape.reader.takenBytes += 1;
    desk.pass(60_000);
    expect(scrape.reader.cuts).toEqual([]);
    desk.pass(100);
    expect(scrape.reader.cuts).toEqual(['stalled']);
    expect(desk.counted).toEqual(['cut stalled']);
  });

  test('a reader that waits for the gateway is not stalled', async () => {
    const desk = new ScrapeDesk();
    const scrape = desk.scrape({ timeoutMs: 120_000 });
    await settled();
    desk.pass(119_000);
    expect(scrape.reader.cuts).toEqual([]);
  });
});

describe('slow readers', () => {
  test('are left alone while nobody waits', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 2 });
    const slow = [desk.scrape(), desk.scrape()];
    await settled();
    stop(...slow);
    desk.pass(59_000);
    expect(desk.counted).toEqual([]);
    // And give way at once when somebody does.
    const honest = desk.scrape();
    await settled();
    expect(honest.state).toBe('whole');
    expect(desk.counted).toEqual(['cut pressure']);
  });

  test('the slowest goes first, and none that reads', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 3 });
    const [fast, slow, slower] = [desk.scrape(), desk.scrape(), desk.scrape()];
    await settled();
    stop(fast, slow, slower);
    const waiting = Array.from({ length: 3 }, () => desk.scrape());
    for (let i = 0; i < 40; i += 1) {
      fast.reader.takenBytes += 100_000;
      slow.reader.takenBytes += 1_000;
      slower.reader.takenBytes += 10;
      desk.pass(100);
    }
    await settled();
    expect(slower.reader.cuts).toEqual(['pressure']);
    expect(slow.reader.cuts).toEqual(['pressure']);
    expect(fast.reader.cuts).toEqual([]);
    expect(states(waiting)).toEqual(['whole', 'whole', 'waiting']);
  });

  test('lose their place after two seconds, not sooner where few wait', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 1 });
    const slow = desk.scrape();
    await settled();
    stop(slow);
    desk.scrape();
    desk.pass(2_000);
    expect(slow.reader.cuts).toEqual([]);
    desk.pass(100);
    expect(slow.reader.cuts).toEqual(['pressure']);
  });

  test('a network with many scrapes that are read well gives way to one that has none', async () => {
    const desk = new ScrapeDesk({ scrapesMax: 2 });
    const many = [desk.scrape({ network: 'h' }), desk.scrape({ network: 'h' })];
    await settled();
    stop(...many);
    const same = desk.scrape({ network: 'h' });
    const read = (): void => {
      for (const { reader } of many) reader.takenBytes += 1_000_000;
      desk.pass(100);
    };
    for (let i = 0; i < 50; i += 1) read();
    expect(desk.counted).toEqual([]);
    const other = desk.scrape({ network: 'p' });
    read();
    await settled();
    expect(states([same, other])).toEqual(['waiting', 'whole']);
    expect(desk.counted).toEqual(['cut pressure']);
  });

  test.each([
    ['of another network', 'p', 16],
    ['of another network', 'p', 400],
    ['of the same network', 'h', 16],
    ['of the same network', 'h', 200],
  ])(
    'and who comes back at once does not keep out a scraper %s (%s, %i of them)',
    async (_name, network, count) => {
      const desk = new ScrapeDesk();
      desk.push('a 1\n');
      const hostile: TriedScrape[] = [];
      const comeBack = async (): Promise<void> => {
        for (let i = 0; i < count; i += 1) {
          const { state, reader } = hostile[i] ?? { state: 'gone', reader: { cuts: [] } };
          if (state === 'waiting' || (['open', 'whole'].includes(state) && reader.cuts.length === 0))
            continue;
          hostile[i] = desk.scrape({ network: 'h' });
        }
        await settled();
        stop(...hostile);
      };
      await comeBack();
      for (let round = 0; round < 5; round += 1) {
        const honest = desk.scrape({ network, timeoutMs: 10_000 });
        for (let ms = 0; honest.state === 'waiting' && ms < 10_000; ms += 100) {
          desk.pass(100);
          await comeBack();
        }
        expect(honest.state).toBe('open');
        honest.close();
      }
    },
  );
});

describe('freed series', () => {
  /** A thousand gauges of other names than before. */
  const gauges = (round: number): string => {
    const lines = Array.from(
      { length: 1_000 },
      (_, i) => `g{text="${round} ${String(i).padStart(80, 'x')}"} 1`,
    );
    return `# TYPE g gauge\n${lines.join('\n')}\n`;
  };

  test('whose memory is kept for a slow reader cost it its page once they are too many', async () => {
    const desk = new ScrapeDesk({ viewsBytesMax: 2_000_000 }, { byJob: true });
    desk.push(gauges(0), 'job/a', 'PUT');
    const slow = desk.scrape();
    await settled();
    stop(slow);
    const { accumulators } = desk.ledger.state;
    let most = 0;
    for (let round = 1; round < 60; round += 1) {
      desk.push(gauges(round), 'job/a', 'PUT');
      most = Math.max(most, accumulators.pendingFreeBytes);
      desk.pass(200);
      await settled();
    }
    expect(slow.reader.cuts).toEqual(['pressure']);
    // What was freed before that is used again.
    expect(most).toBeLessThan(3_000_000);
    expect(accumulators.texts.high).toBeLessThan(20_000);
  });

  test.each([
    ['slowly', 1],
    ['fast', 1_000_000],
  ])(
    'a page that takes more than all may is not cut for that, only for what piles up, when read %s',
    async (_name, step) => {
      const desk = new ScrapeDesk({ viewsBytesMax: 100_000 }, { byJob: true });
      for (let source = 0; source < 20; source += 1) {
        desk.push(gauges(source), `job/${source}`, 'PUT');
        await desk.ledger.applying;
      }
      const scrape = desk.scrape();
      await settled();
      stop(scrape);
      expect(desk.scrapes.report.bytes).toBeGreaterThan(200_000);
      const read = (): void => {
        scrape.reader.takenBytes += step;
        desk.pass(100);
      };
      for (let i = 0; i < 200; i += 1) read();
      expect(scrape.reader.cuts).toEqual([]);
      for (let round = 100; round < 110; round += 1) {
        desk.push(gauges(round), 'job/0', 'PUT');
        await desk.ledger.applying;
        read();
      }
      expect(scrape.reader.cuts).toEqual(['pressure']);
    },
  );

  test('are used again however closely scrapes follow each other', async () => {
    const desk = new ScrapeDesk({ viewsBytesMax: 1_500_000 }, { byJob: true });
    desk.push(gauges(0), 'job/a', 'PUT');
    const open: TriedScrape[] = [];
    for (let round = 1; round < 60; round += 1) {
      open.push(desk.scrape());
      await settled();
      desk.push(gauges(round), 'job/a', 'PUT');
      desk.pass(100);
      // There is always one that has not been read to its end.
      while (open.length > 1) {
        const scrape = open.shift()!;
        await scrape.read();
        scrape.close();
      }
      await settled();
    }
    expect(desk.ledger.state.accumulators.texts.high).toBeLessThan(20_000);
    expect(desk.counted).toEqual([]);
  });
});
