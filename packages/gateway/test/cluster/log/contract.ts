/**
 * What every shared log promises, whatever engine it is on. The test of an engine calls `sharedLogContract`, with what makes an empty log and
 * gives what opens it: each call another member of the cluster. The engine is set up to let go of blocks by 16 at the most.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';

import { LogBroken, LogTrimmed, LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { eventually } from '../../support/eventually.ts';
import { Random } from '../../support/random.ts';

type Open = () => Promise<SharedLog>;

/** So long nothing has to happen, to believe that nothing will. */
const QUIET_MS = 200;

export function sharedLogContract(name: string, fresh: () => Promise<Open>): void {
  /** As many members of one new log; closed when the test ends. */
  async function logs<N extends 1 | 2 | 3>(
    count: N,
  ): Promise<
    N extends 1 ? [SharedLog] : N extends 2 ? [SharedLog, SharedLog] : [SharedLog, SharedLog, SharedLog]
  >;
  async function logs(count: number): Promise<readonly SharedLog[]> {
    const open = closing(await fresh());
    const opened: SharedLog[] = [];
    for (let i = 0; i < count; i += 1) opened.push(await open());
    return opened;
  }

  describe(`${name}: blocks`, () => {
    test('a new log is empty', async () => {
      const [log] = await logs(1);
      expect(await log.end()).toBe(0);
      expect(await log.snapshots()).toEqual([]);
      expect(await log.members.list()).toEqual([]);
      expect(log.blockBytesMax).toBeGreaterThanOrEqual(64 * 1024);
    });

    test('blocks are numbered from 1 on, and read by all', async () => {
      const [one, two] = await logs(2);
      await appendAll(one, ['a', 'b']);
      expect(await two.append(2, bytesOf('c'))).toBe('appended');
      expect(await one.end()).toBe(3);
      expect(await two.end()).toBe(3);
      for (const log of [one, two]) expect(await textsOf(log, 0, 3)).toEqual(['1 a', '2 b', '3 c']);
    });

    test('a block goes nowhere but right after the last', async () => {
      const [one, two] = await logs(2);
      expect(await one.append(1, bytesOf('past the end'))).toBe('overtaken');
      await appendAll(one, ['a', 'b', 'c']);
      for (const after of [0, 1, 2, 4, 5, 17, 1_000_000])
        for (const log of [one, two]) expect(await log.append(after, bytesOf('late'))).toBe('overtaken');
      // Also what is already there.
      expect(await two.append(2, bytesOf('c'))).toBe('overtaken');
      expect(await one.end()).toBe(3);
      expect(await one.append(3, bytesOf('d'))).toBe('appended');
      expect(await textsOf(two, 0, 4)).toEqual(['1 a', '2 b', '3 c', '4 d']);
    });

    test('of those who append at the same place one wins', async () => {
      const members = await logs(3);
      for (let after = 0; after < 5; after += 1) {
        const outcomes = await Promise.all(
          Array.from({ length: 12 }, async (_, i) => ({
            said: `${after} by ${i}`,
            outcome: await members[i % 3]!.append(after, bytesOf(`${after} by ${i}`)),
          })),
        );
        const won = outcomes.filter(({ outcome }) => outcome === 'appended');
        expect(won).toHaveLength(1);
        expect(await textsOf(members[0], after, 1)).toEqual([`${after + 1} ${won[0]!.said}`]);
      }
    });

    test('of many writers each finds its own blocks, each once, in its order', async () => {
      const members = await logs(3);
      const [writers, each] = [9, 8];
      const wonBy = await Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          const log = members[writer % 3]!;
          const won: string[] = [];
          while (won.length < each) {
            const after = await log.end();
            const text = `${writer}: ${won.length}`;
            if ((await log.append(after, bytesOf(text))) === 'appended') won.push(`${after + 1} ${text}`);
          }
          return won;
        }),
      );
      expect(await members[0].end()).toBe(writers * each);
      const byNumber = (text: string): number => Number.parseInt(text, 10);
      const expected = wonBy.flat().sort((a, b) => byNumber(a) - byNumber(b));
      for (const log of members) expect(await textsOf(log, 0, writers * each)).toEqual(expected);
    });

    test('appends that are under way together leave no hole', async () => {
      const [log] = await logs(1);
      for (let round = 0; round < 5; round += 1) {
        const end = await log.end();
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, (_, i) => log.append(end + i, bytesOf(`${round}.${i}`))),
        );
        const count = outcomes.filter((outcome) => outcome === 'appended').length;
        expect(outcomes.slice(0, count)).toEqual(outcomes.slice(0, count).fill('appended'));
        expect(await log.end()).toBe(end + count);
        expect(await textsOf(log, end, count)).toEqual(
          Array.from({ length: count }, (_, i) => `${end + i + 1} ${round}.${i}`),
        );
      }
    });

    test('blocks of every size come back as they were', async () => {
      const [one, two] = await logs(2);
      const sizes = [0, 1, 2, 3, 7, 255, 256, 257, 1999, 2000, 2001, 8191, 8192, 65_535, 65_536, 65_537];
      sizes.push(one.blockBytesMax - 1, one.blockBytesMax, 0, one.blockBytesMax, 5);
      const blocks = sizes.map((size, i) => randomBytes(size, i));
      for (const [at, block] of blocks.entries()) expect(await one.append(at, block)).toBe('appended');
      const read = await firstOf(two, 0, blocks.length);
      expect(read.map(({ bytes }) => bytes.length)).toEqual(sizes);
      for (const [at, block] of blocks.entries()) expect(Buffer.compare(read[at]!.bytes, block)).toBe(0);
    });

    test('any byte may be in a block', async () => {
      const [log] = await logs(1);
      const all = Uint8Array.from({ length: 512 }, (_, i) => i);
      const texts = ['\0', '\\x00', "'; --", '\\', '\u{1f600}', '\r\n.\r\n', '+OK', 'null'].map(bytesOf);
      const blocks = [all, all.toReversed(), ...texts, new Uint8Array(1000)];
      for (const [at, block] of blocks.entries()) await log.append(at, block);
      const read = await firstOf(log, 0, blocks.length);
      for (const [at, block] of blocks.entries()) expect([...read[at]!.bytes]).toEqual([...block]);
    });

    test('a block that is too long is refused, and nothing else suffers', async () => {
      const [log] = await logs(1);
      await expect(log.append(0, new Uint8Array(log.blockBytesMax + 1))).rejects.toThrow(RangeError);
      expect(await log.end()).toBe(0);
      expect(await log.append(0, bytesOf('a'))).toBe('appended');
    });

    test('bytes are a part of a buffer, which is used again once they are appended', async () => {
      const [log] = await logs(1);
      const buffer = new Uint8Array(300);
      for (let after = 0; after < 20; after += 1) {
        const bytes = buffer.subarray(after, 100 + after);
        bytes.fill(after);
        await log.append(after, bytes);
        buffer.fill(99);
      }
      const read = await firstOf(log, 0, 20);
      for (const [at, { bytes }] of read.entries()) expect([...bytes]).toEqual(Array(100).fill(at));
    });

    test('all of it is there for who comes later', async () => {
      const open = await fresh();
      const before = await open();
      await appendAll(before, ['a', 'b']);
      await before.putSnapshot(1, partsOf(['state']));
      await before.members.put('one', 'here');
      await before.close();
      const [after] = [await closing(open)()];
      expect(await after.end()).toBe(2);
      expect(await after.append(2, bytesOf('c'))).toBe('appended');
      expect(await textsOf(after, 0, 3)).toEqual(['1 a', '2 b', '3 c']);
      expect(await after.snapshots()).toEqual([1]);
      expect((await after.members.list()).map(({ said }) => said)).toEqual(['here']);
    });
  });

  describe(`${name}: tails`, () => {
    test('one begins anywhere, and waits for what is not there yet', async () => {
      const [one, two] = await logs(2);
      await appendAll(one, ['a', 'b', 'c']);
      const tails = [0, 2, 3, 5].map((after) => ({ after, read: firstOf(two, after, 7 - after) }));
      await sleep(QUIET_MS);
      await appendAll(one, ['d', 'e', 'f', 'g']);
      const all = ['1 a', '2 b', '3 c', '4 d', '5 e', '6 f', '7 g'];
      for (const { after, read } of tails) expect((await read).map(shown)).toEqual(all.slice(after));
    });

    test('of an empty log the first block is given as soon as it is there', async () => {
      const [one, two] = await logs(2);
      const read = [firstOf(one, 0, 1), firstOf(one, 0, 1), firstOf(two, 0, 1)];
      await sleep(QUIET_MS);
      await one.append(0, bytesOf('a'));
      for (const each of read) expect((await each).map(shown)).toEqual(['1 a']);
    });

    test('several see the same while many write, each at its pace', async () => {
      const members = await logs(3);
      const count = 60;
      const tails = members.flatMap((log, i) => [
        firstOf(log, 0, count),
        firstOf(log, 0, count, async (number) => void (number % 7 === i && (await sleep(20)))),
      ]);
      const write = async (log: SharedLog, writer: number): Promise<void> => {
        for (let end = await log.end(); end < count; end = await log.end())
          await log.append(end, bytesOf(`${end + 1} by ${writer}`));
      };
      await Promise.all(members.map((log, i) => write(log, i)));
      const [expected, ...others] = (await Promise.all(tails)).map((blocks) => blocks.map(shown));
      expect(expected).toHaveLength(count);
      for (const other of others) expect(other).toEqual(expected);
    });

    test('one that is far behind is given all, with blocks of the largest size', async () => {
      const [one, two] = await logs(2);
      const blocks = Array.from({ length: 6 }, (_, i) => randomBytes(one.blockBytesMax, i));
      for (const [at, block] of blocks.entries()) await one.append(at, block);
      await appendAll(
        one,
        Array.from({ length: 40 }, (_, i) => `small ${i}`),
      );
      const read = await firstOf(two, 0, 46);
      for (const [at, block] of blocks.entries()) expect(Buffer.compare(read[at]!.bytes, block)).toBe(0);
      expect(textOf(read[45]!.bytes)).toBe('small 39');
    });

    test('one ends when it is aborted, before it begins, while it waits and while it reads', async () => {
      const [log] = await logs(1);
      await appendAll(log, ['a', 'b', 'c']);
      expect(await collected(log.tail(0, AbortSignal.abort()))).toEqual([]);
      const waiting = new AbortController();
      const end = collected(log.tail(3, waiting.signal));
      await sleep(QUIET_MS);
      waiting.abort();
      expect(await end).toEqual([]);
      const reading = new AbortController();
      const read: string[] = [];
      for await (const block of log.tail(0, reading.signal)) {
        read.push(shown(block));
        if (block.number === 2) reading.abort();
      }
      expect(read).toEqual(['1 a', '2 b']);
      // Others are none the wiser.
      expect(await textsOf(log, 2, 1)).toEqual(['3 c']);
    });

    test('one that nobody reads any more is left', async () => {
      const [log] = await logs(1);
      await appendAll(log, ['a', 'b', 'c']);
      for (let i = 0; i < 30; i += 1)
        for await (const block of log.tail(0, new AbortController().signal)) if (block.number === 2) break;
      expect(await log.append(3, bytesOf('d'))).toBe('appended');
    });

    test('closing ends them, and what is asked afterwards is refused', async () => {
      const [one, two] = await logs(2);
      await appendAll(one, ['a']);
      const { signal } = new AbortController();
      const ends = [1, 1, 9].map((after) => collected(one.tail(after, signal)));
      const other = firstOf(two, 1, 1);
      await sleep(QUIET_MS);
      await one.close();
      for (const end of ends) expect(await end).toEqual([]);
      await one.close();
      await expect(one.append(1, bytesOf('b'))).rejects.toThrow(LogUnavailable);
      await expect(one.end()).rejects.toThrow(LogUnavailable);
      expect(await two.append(1, bytesOf('c'))).toBe('appended');
      expect((await other).map(shown)).toEqual(['2 c']);
    });

    test('closing leaves no append without an outcome', async () => {
      const [one, two] = await logs(2);
      const outcome = one.append(0, bytesOf('a')).catch((error: unknown) => error);
      await one.close();
      const is = await outcome;
      expect(is === 'appended' || is instanceof LogUnavailable).toBe(true);
      if (is === 'appended') expect(await two.end()).toBe(1);
    });
  });

  describe(`${name}: snapshots`, () => {
    test('one is given back in its parts, whatever their lengths', async () => {
      const [one, two] = await logs(2);
      const max = one.blockBytesMax;
      const sizes = [3, 0, max, max + 1, 0, 0, Math.ceil(max * 2.5), 1, max - 1, 0];
      const parts = sizes.map((size, i) => randomBytes(size, i));
      await one.putSnapshot(7, reused(parts));
      expect(await two.snapshots()).toEqual([7]);
      const read = await collected(two.getSnapshot(7));
      expect(read.map(({ length }) => length)).toEqual(sizes);
      for (const [at, part] of parts.entries()) expect(Buffer.compare(read[at]!, part)).toBe(0);
    });

    test('one may have hundreds of parts, one, and none', async () => {
      const [log] = await logs(1);
      const parts = Array.from({ length: 700 }, (_, i) => randomBytes((i * 37) % 1000, i));
      await log.putSnapshot(1, reused(parts));
      await log.putSnapshot(2, partsOf(['one']));
      await log.putSnapshot(3, partsOf([]));
      expect(await log.snapshots()).toEqual([3, 2, 1]);
      const read = await collected(log.getSnapshot(1));
      expect(read).toHaveLength(700);
      for (const [at, part] of parts.entries()) expect(Buffer.compare(read[at]!, part)).toBe(0);
      expect((await collected(log.getSnapshot(2))).map(textOf)).toEqual(['one']);
      expect(await collected(log.getSnapshot(3))).toEqual([]);
    });

    test('the newest is listed first, and it may be put again', async () => {
      const [one, two] = await logs(2);
      for (const number of [5, 100, 20]) await one.putSnapshot(number, partsOf([`state ${number}`]));
      await two.putSnapshot(20, partsOf(['state 20']));
      expect(await two.snapshots()).toEqual([100, 20, 5]);
      expect((await collected(two.getSnapshot(20))).map(textOf)).toEqual(['state 20']);
    });

    test('one that is cut short by an error is never listed, and others stay', async () => {
      const [one, two] = await logs(2);
      await one.putSnapshot(1, partsOf(['whole']));
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield bytesOf('first');
        yield randomBytes(one.blockBytesMax * 2, 1);
        expect(await two.snapshots()).toEqual([1]);
        throw new Error('cut');
      };
      await expect(one.putSnapshot(2, failing())).rejects.toThrow('cut');
      await expect(one.putSnapshot(1, failing())).rejects.toThrow('cut');
      await sleep(QUIET_MS);
      for (const log of [one, two]) expect(await log.snapshots()).toEqual([1]);
      expect((await collected(two.getSnapshot(1))).map(textOf)).toEqual(['whole']);
      await one.putSnapshot(2, partsOf(['again']));
      expect((await collected(two.getSnapshot(2))).map(textOf)).toEqual(['again']);
    });

    test('parts are asked for one at a time, and what is under way is not listed', async () => {
      const [log, other] = await logs(2);
      let asked = 0;
      const slow = async function* (): AsyncGenerator<Uint8Array> {
        for (; asked < 5; asked += 1) {
          await sleep(20);
          expect(await other.snapshots()).toEqual([]);
          yield bytesOf(`part ${asked}`);
        }
      };
      await Promise.all([log.putSnapshot(3, slow()), appendAll(log, ['a', 'b'])]);
      expect(asked).toBe(5);
      expect(await other.snapshots()).toEqual([3]);
      expect(await collected(other.getSnapshot(3))).toHaveLength(5);
    });

    test('several may be written and read at once', async () => {
      const members = await logs(3);
      const parts = (by: number): readonly Uint8Array[] =>
        Array.from({ length: 20 }, (_, i) => randomBytes(1000 * by + i, by * 100 + i));
      await Promise.all(members.map((log, i) => log.putSnapshot(i + 1, reused(parts(i)))));
      const read = await Promise.all(members.map((log, i) => collected(log.getSnapshot(((i + 1) % 3) + 1))));
      for (const [i, each] of read.entries())
        expect(Buffer.compare(Buffer.concat(each), Buffer.concat(parts((i + 1) % 3)))).toBe(0);
    });

    test('one that is not there, and one that is not read to its end', async () => {
      const [log] = await logs(1);
      await log.putSnapshot(4, reused(Array.from({ length: 30 }, (_, i) => randomBytes(100_000, i))));
      const error = await collected(log.getSnapshot(5)).catch((reason: unknown) => reason);
      expect(error instanceof LogTrimmed || error instanceof LogBroken).toBe(true);
      for (let i = 0; i < 20; i += 1) for await (const part of log.getSnapshot(4)) if (part.length > 0) break;
      expect(await collected(log.getSnapshot(4))).toHaveLength(30);
    });
  });

  describe(`${name}: trimming`, () => {
    test('lets old blocks and snapshots go, and nothing that is needed', async () => {
      const [one, two] = await logs(2);
      const texts = Array.from({ length: 60 }, (_, i) => `block ${i + 1}`);
      await appendAll(one, texts);
      for (const number of [20, 30, 50]) await one.putSnapshot(number, partsOf([`state ${number}`]));
      await one.trim(30);
      for (const log of [one, two]) {
        expect(await log.snapshots()).toEqual([50, 30]);
        expect(await log.end()).toBe(60);
        expect((await firstOf(log, 30, 30)).map(shown)).toEqual(
          texts.slice(30).map((text, i) => `${i + 31} ${text}`),
        );
        await expect(firstOf(log, 0, 1)).rejects.toThrow(LogTrimmed);
        expect(await log.append(0, bytesOf('again'))).toBe('overtaken');
        expect(await log.append(29, bytesOf('again'))).toBe('overtaken');
      }
      expect((await collected(two.getSnapshot(30))).map(textOf)).toEqual(['state 30']);
      const error = await collected(two.getSnapshot(20)).catch((reason: unknown) => reason);
      expect(error instanceof LogTrimmed || error instanceof LogBroken).toBe(true);
      await two.trim(3);
      expect(await textsOf(one, 59, 1)).toEqual(['60 block 60']);
    });

    test('of a log that is trimmed to its end the end is known, by all and later', async () => {
      const open = closing(await fresh());
      const [one, two] = [await open(), await open()];
      await appendAll(
        one,
        Array.from({ length: 48 }, (_, i) => `block ${i + 1}`),
      );
      await one.putSnapshot(48, partsOf(['state']));
      await one.trim(48);
      const waiting = firstOf(two, 48, 2);
      for (const log of [one, two, await open()]) {
        expect(await log.end()).toBe(48);
        for (const after of [0, 1, 46, 47, 49])
          expect(await log.append(after, bytesOf('x'))).toBe('overtaken');
        await expect(firstOf(log, 0, 1)).rejects.toThrow(LogTrimmed);
      }
      await one.trim(48);
      expect(await two.append(48, bytesOf('more'))).toBe('appended');
      expect(await (await open()).append(49, bytesOf('and more'))).toBe('appended');
      expect((await waiting).map(shown)).toEqual(['49 more', '50 and more']);
    });

    test('what was asked beyond the end goes to the end', async () => {
      const [log] = await logs(1);
      await log.trim(5);
      expect(await log.end()).toBe(0);
      await appendAll(log, ['a', 'b', 'c']);
      await log.trim(1_000_000);
      expect(await log.end()).toBe(3);
      expect(await log.append(3, bytesOf('d'))).toBe('appended');
      expect(await textsOf(log, 3, 1)).toEqual(['4 d']);
    });

    test('goes on beside appends and tails, which see no hole', async () => {
      const [one, two, three] = await logs(3);
      const count = 150;
      const writing = async (): Promise<void> => {
        for (let after = 0; after < count; after += 1) {
          const outcome = await one.append(after, bytesOf(`block ${after + 1}`));
          expect(outcome).toBe('appended');
        }
      };
      let isDone = false;
      const trimming = async (): Promise<void> => {
        while (!isDone) {
          await two
            .trim((await two.end()) - 20)
            .catch((error: unknown) => expect(error).toBeInstanceOf(LogUnavailable));
          await sleep(5);
        }
      };
      // It may fall behind, and says so then.
      const reading = async (): Promise<void> => {
        for (let next = 1; next <= count;) {
          try {
            for (const { number } of await firstOf(three, next - 1, 1)) {
              expect(number).toBe(next);
              next += 1;
            }
          } catch (error) {
            expect(error).toBeInstanceOf(LogTrimmed);
            next = await three.end();
          }
        }
      };
      await Promise.all([writing().finally(() => (isDone = true)), trimming(), reading()]);
      expect(await three.end()).toBe(count);
    });
  });

  describe(`${name}: members`, () => {
    test('each says one thing at a time, to all', async () => {
      const [one, two] = await logs(2);
      const said = JSON.stringify({ url: 'https://ä.example/"\'\\', note: '\u{1f600} '.repeat(200) });
      await one.members.put('pod-0', 'first');
      await one.members.put('pod-0', said);
      await two.members.put('pod-1.example:9091/ä "x"', '');
      const list = [...(await one.members.list())].sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(list.map((each) => [each.name, each.said])).toEqual([
        ['pod-0', said],
        ['pod-1.example:9091/ä "x"', ''],
      ]);
      for (const { ageMs } of list) {
        expect(ageMs).toBeGreaterThanOrEqual(0);
        expect(ageMs).toBeLessThan(600_000);
      }
    });

    test('what was said gets older, until it is said again', async () => {
      const [one, two] = await logs(2);
      const ageMs = async (): Promise<number> => (await two.members.list())[0]!.ageMs;
      await one.members.put('one', 'here');
      const old = await eventually('it to be older', async () => {
        const age = await ageMs();
        return age >= 300 && age;
      });
      await one.members.put('one', 'here');
      expect(await ageMs()).toBeLessThan(old + 600_000);
      await eventually('it to be new', async () => {
        await one.members.put('one', 'here');
        return (await ageMs()) < old;
      });
    });

    test('it is no part of the log', async () => {
      const [one, two] = await logs(2);
      await Promise.all([
        ...Array.from({ length: 20 }, (_, i) => one.members.put(`member ${i % 5}`, `said ${i}`)),
        appendAll(two, ['a', 'b', 'c']),
      ]);
      expect(await one.end()).toBe(3);
      expect(await one.members.list()).toHaveLength(5);
      expect(await textsOf(one, 0, 3)).toEqual(['1 a', '2 b', '3 c']);
    });
  });
}

function closing(open: Open): Open {
  return async () => {
    const log = await open();
    onTestFinished(() => log.close());
    return log;
  };
}

async function appendAll(log: SharedLog, texts: readonly string[]): Promise<void> {
  const end = await log.end();
  for (const [at, text] of texts.entries())
    expect(await log.append(end + at, bytesOf(text))).toBe('appended');
}

type Block = { readonly number: number; readonly bytes: Uint8Array };

async function firstOf(
  log: SharedLog,
  after: number,
  count: number,
  onBlock: (number: number) => Promise<void> = async () => {},
): Promise<readonly Block[]> {
  const blocks: Block[] = [];
  if (count === 0) return blocks;
  const over = new AbortController();
  onTestFinished(() => over.abort());
  for await (const block of log.tail(after, over.signal)) {
    expect(block.number).toBe(after + blocks.length + 1);
    blocks.push(block);
    await onBlock(block.number);
    if (blocks.length === count) return blocks;
  }
  throw new Error(`the tail ended after ${blocks.length} of ${count} blocks`);
}

async function textsOf(log: SharedLog, after: number, count: number): Promise<readonly string[]> {
  return (await firstOf(log, after, count)).map(shown);
}

function shown({ number, bytes }: Block): string {
  return `${number} ${textOf(bytes)}`;
}

async function collected<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* partsOf(texts: readonly string[]): AsyncGenerator<Uint8Array, void> {
  yield* texts.map(bytesOf);
}

/** All in one buffer, which changes as soon as the next is asked for. */
async function* reused(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  const buffer = new Uint8Array(Math.max(...parts.map(({ length }) => length)));
  for (const part of parts) {
    buffer.set(part);
    yield buffer.subarray(0, part.length);
    buffer.fill(0xaa);
  }
}

function randomBytes(length: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = random.below(256);
  return bytes;
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
