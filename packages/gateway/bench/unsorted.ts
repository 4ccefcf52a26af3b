/** What it costs to know series whose labels come in the client's order: pushes of them held against the same, sorted. */
import { createGateway } from 'prom-aggregation-gateway';

import { largePush, unsortedPush } from './data.ts';
import type { SeriesRange } from './data.ts';

const ROUNDS = 5;
const POD_SERIES = 100;

interface Row {
  readonly name: string;
  /** Pushed by turns, over and over. */
  readonly ranges: readonly SeriesRange[];
  readonly repeats: number;
}

/** A line for one large push, repeated, and one for many senders whose series are all different. */
export async function unsortedLines(smoke: boolean): Promise<string[]> {
  const [series, pods] = smoke ? [1_000, 100] : [10_000, 10_000];
  const rows: readonly Row[] = [
    { name: `large push of ${series} series`, ranges: [{ series }], repeats: smoke ? 2 : 50 },
    {
      name: `${pods} senders of ${POD_SERIES} series each`,
      ranges: Array.from({ length: pods }, (_, pod) => ({ series: POD_SERIES, from: pod * POD_SERIES })),
      repeats: 1,
    },
  ];
  const lines: string[] = [];
  for (const row of rows) lines.push(await lineOf(row));
  return lines;
}

async function lineOf({ name, ranges, repeats }: Row): Promise<string> {
  const encoder = new TextEncoder();
  const senders = [largePush, unsortedPush].map((push) => ({
    gateway: createGateway(),
    bodies: ranges.map((range) => encoder.encode(push(range))),
    micros: [] as number[],
  }));
  let first = 0;
  // The first round makes the series, and the second learns how they are written.
  for (let round = -2; round < ROUNDS; round += 1)
    for (const [which, { gateway, bodies, micros }] of senders.entries()) {
      const before = process.cpuUsage();
      for (let i = 0; i < repeats; i += 1) for (const body of bodies) await gateway.push(body);
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) micros.push(user + system);
      else if (round === -2 && which === 1) first = user + system;
    }
  for (const { gateway } of senders) await gateway.close();
  const [sorted, unsorted] = senders.map(({ micros }) => median(micros)) as [number, number];
  const again = repeats === 1 ? `, ${(unsorted / first).toFixed(2)} × of when they are new` : '';
  return `${name}, labels not sorted: ${(unsorted / sorted).toFixed(2)} × sorted${again}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
