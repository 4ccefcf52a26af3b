/**
 * What every shared log promises, whatever engine it is on. The test of an engine calls `sharedLogContract`, with what makes an empty log and
 * gives what opens it: each call another member of the cluster. The engine is set up to let go of blocks by 16 at the most.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';

import { hashOf } from '../../../src/cluster/log/block.ts';
import { LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { keptBeside } from './kept-beside.ts';
import {
  appendAll,
  bytesOf,
  closing,
  collected,
  firstOf,
  membersOf,
  partsOf,
  QUIET_MS,
  randomBytes,
  shown,
  textOf,
  textsOf,
} from './members.ts';
import type { Open } from './members.ts';

/** `compares`: whether the engine can tell the block before from another one by the same number. */
export function sharedLogContract(
  name: string,
  fresh: () => Promise<Open>,
  { compares = false }: { readonly compares?: boolean } = {},
): void {
  const logs = membersOf(fresh);

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

    if (compares)
      test('a block goes only behind the one that its writer has read', async () => {
        const [one, two] = await logs(2);
        await appendAll(one, ['a', 'b']);
        for (const log of [one, two])
          expect(await log.append(2, bytesOf('c'), hashOf(bytesOf('another b')))).toBe('overtaken');
        expect(await one.end()).toBe(2);
        expect(await two.append(2, bytesOf('c'), hashOf(bytesOf('b')))).toBe('appended');
        expect(await textsOf(one, 0, 3)).toEqual(['1 a', '2 b', '3 c']);
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

  keptBeside(name, fresh);
}
