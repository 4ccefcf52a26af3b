/** Who waits for his turn, and for how long. */
import { expect, test } from 'vitest';

import type { Client } from '../../src/gateway/api.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import { defaultQueueBounds, PushQueue } from '../../src/gateway/pushes/push-queue.ts';
import type { QueueBounds, QueuePlace } from '../../src/gateway/pushes/push-queue.ts';
import { ClientGone } from '../../src/model/client-gone.ts';
import { groupingKey } from '../../src/model/labels.ts';
import { systemClock } from '../../src/primitives/clock.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { shortenSteps } from '../support/short-steps.ts';

/** Lets work end when it is told to. */
class Gate {
  readonly passed: Promise<void>;
  open: () => void = () => {};

  constructor() {
    this.passed = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}

class Sender implements Client {
  isGone = false;
  readonly sender: string;

  constructor(sender: string) {
    this.sender = sender;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function placeNow(now: () => number = defaultQueueBounds.now): QueuePlace {
  return { client: undefined, source: '', sinceMs: now() };
}

/** A queue whose first piece of work ends with `gate`. */
function busyQueue(bounds: Partial<QueueBounds> = {}): {
  readonly queue: PushQueue;
  readonly gate: Gate;
  readonly done: string[];
  readonly add: (name: string, client?: Client, source?: string) => Promise<string>;
} {
  const queue = new PushQueue(() => undefined, { ...defaultQueueBounds, ...bounds });
  const gate = new Gate();
  const done: string[] = [];
  const now = bounds.now ?? defaultQueueBounds.now;
  void queue.run(placeNow(now), () => gate.passed);
  return {
    queue,
    gate,
    done,
    add: (name, client, source = '') =>
      queue
        .run({ client, source, sinceMs: now() }, () => void done.push(name))
        .then(
          () => 'done',
          (error: Error) =>
            error instanceof ClientGone ? 'gone' : String((error as { code?: string }).code),
        ),
  };
}

test('what has nothing to wait for begins at once', async () => {
  const queue = new PushQueue(() => undefined);
  let begun = 0;
  const work = queue.run(placeNow(), () => (begun += 1));
  expect([begun, queue.isIdle]).toEqual([1, true]);
  expect(await work).toBe(1);
});

test('senders take turns, and so do the sources of one sender', async () => {
  const { gate, done, add } = busyQueue();
  const [flood, honest] = [new Sender('a'), new Sender('b')];
  const all = [
    ...['a1', 'a2', 'a3'].map((name) => add(name, flood, 'job/x')),
    add('a4', flood, 'job/y'),
    add('b1', honest, 'job/x'),
  ];
  gate.open();
  expect(await Promise.all(all)).toEqual(Array(5).fill('done'));
  expect(done).toEqual(['a1', 'b1', 'a4', 'a2', 'a3']);
});

test('when it is full, who waits with the most loses the newest', async () => {
  const { gate, done, add } = busyQueue({ waitingMax: 3 });
  const flood = new Sender('a');
  const all = ['a1', 'a2', 'a3', 'a4'].map((name) => add(name, flood, 'job/x'));
  all.push(add('a5', flood, 'job/y'), add('b1', new Sender('b')));
  gate.open();
  expect(await Promise.all(all)).toEqual(['done', 'overloaded', 'overloaded', 'overloaded', 'done', 'done']);
  expect(done).toEqual(['a1', 'b1', 'a5']);
});

test('clients that have gone are dropped before they begin', async () => {
  const { gate, done, add } = busyQueue();
  const [gone, stays] = [new Sender('a'), new Sender('a')];
  const all = [add('a1', gone), add('a2', stays)];
  gone.isGone = true;
  gate.open();
  expect(await Promise.all(all)).toEqual(['gone', 'done']);
  expect(done).toEqual(['a2']);
});

test('a client is refused when it has waited for too long; a program that embeds the gateway is not', async () => {
  let nowMs = 0;
  const { gate, done, add } = busyQueue({ now: () => nowMs, waitMsMax: 100 });
  const all = [add('early', new Sender('a')), add('embedded')];
  nowMs = 60;
  all.push(add('late', new Sender('a')));
  nowMs = 101;
  gate.open();
  expect(await Promise.all(all)).toEqual(['overloaded', 'done', 'done']);
  expect(done.toSorted()).toEqual(['embedded', 'late']);
});

test('a client that waits in two queues, one after the other, has waited in both', async () => {
  let nowMs = 0;
  const [first, second] = [0, 1].map(() => busyQueue({ now: () => nowMs, waitMsMax: 100 }));
  const place = { client: new Sender('a'), source: '', sinceMs: nowMs };
  const work = first!.queue.run(place, () => second!.queue.run(place, () => 'done'));
  nowMs = 60;
  first!.gate.open();
  await turn();
  nowMs = 120;
  second!.gate.open();
  await expect(work).rejects.toMatchObject({ code: 'overloaded' });
});

test('nothing begins while the state is busy, and work that fails ends its own turn only', async () => {
  const gate = new Gate();
  let busy: Promise<void> | undefined = gate.passed;
  const queue = new PushQueue(() => busy);
  const place = placeNow();
  const failing = queue.run(place, () => {
    throw new Error('no');
  });
  const fine = queue.run(place, async () => 'fine');
  await turn();
  expect(queue.waiting).toBe(2);
  busy = undefined;
  gate.open();
  await expect(failing).rejects.toThrow('no');
  expect(await fine).toBe('fine');
  // It finds a little later that nobody else waits.
  await turn();
  expect(queue.isIdle).toBe(true);
});

test('few begin in one turn of the event loop where each takes long', async () => {
  let nowMs = 0;
  const { gate, done, add } = busyQueue({ now: () => (nowMs += 3), turnMs: 4 });
  const all = Array.from({ length: 10 }, (_, i) => add(String(i)));
  gate.open();
  await turn();
  await turn();
  expect(done.length).toBeLessThan(6);
  await Promise.all(all);
  expect(done).toHaveLength(10);
});

test('closing refuses clients that wait, and ends with the work at hand', async () => {
  const { queue, gate, done, add } = busyQueue();
  const all = [add('client', new Sender('a')), add('embedded')];
  const closed = queue.close().then(() => done.push('closed'));
  all.push(add('after'));
  await turn();
  expect(done).toEqual([]);
  gate.open();
  await closed;
  expect(await Promise.all(all)).toEqual(['shutting_down', 'done', 'shutting_down']);
  expect(done).toEqual(['embedded', 'closed']);
});

const big = groupingKey([{ name: 'job', value: 'big' }]);
const small = groupingKey([{ name: 'job', value: 'small' }]);

interface Gateways {
  readonly gateway: Gateway;
  readonly push: (lines: string, client: Client, key?: typeof big) => Promise<string>;
}

function gatewayWith(byJob: boolean): Gateways {
  const options = { ...defaultGatewayOptions, byJob };
  const gateway = new Gateway({ options, clock: systemClock, log: silentLog });
  return {
    gateway,
    push: (lines, client, key = big) =>
      gateway
        .push({ method: 'POST', key, body: Buffer.from(lines), client })
        .catch((error: Error) => error.name),
  };
}

const counters = (count: number): string =>
  `# TYPE c counter\n${Array.from({ length: count }, (_, i) => `c{i="${i}"} 1\n`).join('')}`;

/** Counts those of `all` that are settled. */
function settledOf(all: readonly Promise<unknown>[]): () => number {
  let count = 0;
  for (const one of all) void one.then(() => (count += 1));
  return () => count;
}

test('a flood of one line each by a large source holds up others by one of them', async () => {
  // A fast machine does many of them in one turn, and then they hold up nobody.
  shortenSteps(1);
  const { push } = gatewayWith(true);
  await push(counters(30_000), new Sender('a'));
  const flood = Array.from({ length: 40 }, (_, i) => push(`c{i="1"} ${i}\n`, new Sender('a')));
  const settled = settledOf(flood);
  await push('n 1\n', new Sender('b'), small);
  expect(settled()).toBeLessThan(10);
  // By a clock as fast as this one, some of them wait for too long.
  expect(await Promise.all(flood)).toContain('applied');
});

test('so does a flood of long bodies that are refused', async () => {
  shortenSteps(1);
  const { push } = gatewayWith(false);
  const long = `${counters(12_000)}bad{ 1\n`;
  const flood = Array.from({ length: 40 }, () => push(long, new Sender('a')));
  const settled = settledOf(flood);
  expect(await push(counters(12_000), new Sender('b'), small)).toBe('applied');
  expect(settled()).toBeLessThan(10);
  await Promise.all(flood);
});

test.each([true, false])('a flood whose clients leave is not worked off (by-job: %s)', async (byJob) => {
  // However fast the machine is, the first of them needs more than one turn.
  shortenSteps(1);
  const { gateway, push } = gatewayWith(byJob);
  await push(counters(30_000), new Sender('a'));
  const client = new Sender('a');
  const flood = Array.from({ length: 200 }, () => push(byJob ? 'c{i="1"} 2\n' : counters(12_000), client));
  await turn();
  client.isGone = true;
  const outcomes = await Promise.all(flood);
  expect(outcomes.filter((outcome) => outcome === 'ClientGone').length).toBeGreaterThan(100);
  expect(await push('n 1\n', new Sender('a'))).toBe('applied');
  await gateway.close();
});

test('a long push whose client leaves while it is read leaves no trace', async () => {
  const { gateway, push } = gatewayWith(false);
  const client = new Sender('a');
  const long = push(counters(30_000), client);
  await turn();
  client.isGone = true;
  expect(await long).toBe('ClientGone');
  expect(gateway.holdings()).toMatchObject({ series: 0, pushes: 0 });
});

test('closing does not wait for what clients still want', async () => {
  shortenSteps(1);
  const { gateway, push } = gatewayWith(true);
  await push(counters(30_000), new Sender('a'));
  const flood = Array.from({ length: 200 }, () => push('c{i="1"} 2\n', new Sender('a')));
  await turn();
  await gateway.close();
  const outcomes = await Promise.all(flood);
  expect(outcomes.filter((outcome) => outcome === 'RequestError').length).toBeGreaterThan(100);
});

test('of many short pushes in one turn of the event loop some wait for the next', async () => {
  const { gateway, push } = gatewayWith(false);
  const all = Array.from({ length: 2000 }, () => push('n 1\n', new Sender('a')));
  const { lastPushMs } = gateway.holdings();
  expect(lastPushMs).toBeDefined();
  const inThisTurn = (await page(gateway)).trim();
  expect(new Set(await Promise.all(all))).toEqual(new Set(['applied']));
  expect(await page(gateway)).toBe('# TYPE n untyped\nn 2000\n');
  expect(inThisTurn).not.toContain('n 2000');
});

async function page(gateway: Gateway): Promise<string> {
  let text = '';
  for await (const slice of gateway.scrape()) text += Buffer.from(slice).toString();
  return text;
}
