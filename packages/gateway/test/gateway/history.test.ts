/** The last hour, point by point. */
import { describe, expect, it, test } from 'vitest';

import { totalOf } from '../../src/gateway/insight/family-totals.ts';
import { historyOf } from '../../src/gateway/insight/history-answer.ts';
import type { HistoryAnswer } from '../../src/gateway/insight/history-answer.ts';
import { History } from '../../src/gateway/insight/history.ts';
import { limitsOf } from '../../src/gateway/insight/limit-list.ts';
import { Points, POINTS, STEP_MS } from '../../src/gateway/insight/points.ts';
import { ScrapeDesk } from './scrape-desk.ts';

async function following(options: object = {}) {
  const desk = new ScrapeDesk({}, options);
  const history = new History(desk.ledger);
  const answerOf = (family: string, opened = false): HistoryAnswer => {
    const { type } = desk.ledger.state.families.find(family)!;
    const buckets = opened ? history.openBuckets(family) : undefined;
    return historyOf({
      type,
      points: history.pointsOf(family),
      buckets,
      step: history.newestStep,
      wallOffsetMs: 0,
    });
  };
  const step = async (text = ''): Promise<void> => {
    desk.nowMs += STEP_MS;
    if (text !== '') desk.push(text);
    await history.take();
  };
  return { desk, history, answerOf, step };
}

const last = (numbers: readonly (number | null)[], count: number): readonly (number | null)[] =>
  numbers.slice(-count);

describe('a family', () => {
  it('of counters has its rate, and none where it began or began again', async () => {
    const { step, answerOf, desk } = await following();
    await step('# TYPE c counter\nc{a="1"} 10\n');
    await step('# TYPE c counter\nc{a="1"} 10\nc{a="2"} 20\n');
    await step();
    // Nobody took a point there.
    desk.nowMs += STEP_MS;
    await step('# TYPE c counter\nc{a="1"} 15\n');
    const answer = answerOf('c');
    expect(answer.kind).toBe('rate');
    expect(answer.points).toHaveLength(POINTS);
    expect(last(answer.points, 6)).toEqual([null, null, 2, 0, null, null]);
    await step('# TYPE c counter\nc{a="1"} 15\n');
    expect(last(answerOf('c').points, 1)).toEqual([1]);
  });

  it('of gauges has their value, by their policy', async () => {
    const { step, answerOf } = await following();
    await step('# TYPE g gauge\ng{a="1"} 3\ng{a="2"} 4\n');
    await step('# TYPE g gauge\ng{a="1"} -10\n');
    expect([answerOf('g').kind, last(answerOf('g').points, 2)]).toEqual(['value', [7, -3]]);
  });

  it('of histograms has the rate of its count, and once it is opened buckets and quantiles', async () => {
    const { step, answerOf } = await following();
    const push = (low: number, high: number): string =>
      `# TYPE h histogram\nh_bucket{le="1"} ${low}\nh_bucket{le="2"} ${low + high}\nh_bucket{le="+Inf"} ${low + high}\nh_sum 1\nh_count ${low + high}\n`;
    await step(push(1, 1));
    await step(push(30, 15));
    expect(last(answerOf('h').points, 1)).toEqual([3]);
    expect(answerOf('h').buckets).toBeUndefined();
    answerOf('h', true);
    for (let i = 0; i < 6; i += 1) await step(push(15, 15));
    const { quantiles, buckets } = answerOf('h', true);
    expect(buckets!.map(({ le, points }) => [le, ...last(points, 1)])).toEqual([
      ['1.0', 1],
      ['2.0', 1],
      ['+Inf', 0],
    ]);
    expect(quantiles!['0.5']!.at(-1)).toBeCloseTo(1);
    expect(quantiles!['0.9']!.at(-1)).toBeCloseTo(1.8);
  });

  it('is followed by what it was last where nothing was pushed, and forgotten where it has gone', async () => {
    const { step, answerOf, history, desk } = await following({ byJob: true });
    desk.push('# TYPE g gauge\ng 5\n', '[["job","x"]]', 'PUT');
    await step();
    await step();
    expect(last(answerOf('g').points, 2)).toEqual([5, 5]);
    desk.push('', '[["job","x"]]', 'PUT');
    await step();
    expect(history.pointsOf('g')).toBeUndefined();
  });
});

it('a series is followed from when it is opened', async () => {
  const { step, history } = await following();
  await step('# TYPE c counter\nc{a="1"} 1\n');
  const points = history.openSeries('c{a="1"}');
  await step('# TYPE c counter\nc{a="1"} 1\n');
  expect([points.at(history.newestStep - 1), points.at(history.newestStep)]).toEqual([1, 2]);
  for (let i = 0; i < 60; i += 1) history.openSeries(`c{a="${i + 2}"}`);
  await step();
  expect(points.at(history.newestStep)).toBeNaN();
});

it('points are those of the last hour', () => {
  const points = new Points();
  for (let step = 100; step < 100 + POINTS * 2; step += 1) points.set(step, step);
  expect([points.at(99 + POINTS), points.at(100 + POINTS), points.at(99 + POINTS * 2)]).toEqual([
    Number.NaN,
    100 + POINTS,
    99 + POINTS * 2,
  ]);
  points.set(100 + POINTS * 5, 1);
  expect(points.at(99 + POINTS * 5)).toBeNaN();
  expect(points.last).toBe(1);
});

test('limits say when they will be full', async () => {
  const { step, desk, history } = await following({
    limits: { ...new ScrapeDesk().ledger.state.limits, seriesMax: 1000 },
  });
  for (let i = 0; i < 9; i += 1) await step(`a{b="${i}"} 1\n`);
  const series = limitsOf(desk.ledger.state, history).find(({ name }) => name === 'series')!;
  expect(series).toMatchObject({ used: 9, max: 1000, perHour: 240 });
  expect(series.secondsUntilFull).toBeCloseTo((991 / 240) * 3600);
});

test('a family of many series is summed in steps', async () => {
  const desk = new ScrapeDesk();
  for (let from = 0; from < 20_000; from += 1000) {
    await desk.ledger.settled();
    desk.push(Array.from({ length: 1000 }, (_, i) => `many{i="${from + i}"} 1\n`).join(''));
  }
  await desk.ledger.settled();
  const steps = totalOf(desk.ledger.state, desk.ledger.state.families.find('many')!, { buckets: false });
  let count = 0;
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      expect(step.value.total).toBe(20_000);
      break;
    }
    count += 1;
  }
  expect(count).toBeGreaterThanOrEqual(4);
});
