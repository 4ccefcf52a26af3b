/**
 * Floods of pushes that have to wait for each other, from the address of the honest sender: as all come through one proxy. Returned is
 * how both were answered, and how long the honest one waited.
 */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { counterBody } from './attackers/bodies.ts';
import { requestBytes } from './attackers/wire.ts';

export interface QueueFigures {
  /** Replies by status. */
  readonly attack: Readonly<Record<string, number>>;
  readonly honest: Readonly<Record<string, number>>;
  /** Ascending. */
  readonly honestMs: readonly number[];
}

/** Just longer than what is read in one turn. */
const LONG_LINES = 3_500;
const HONEST_EVERY_MS = 100;

/** Bodies that are long and refused at their end, over many connections. */
export function refusedLongPushes(
  port: number,
  { ms = 8000, connections = 300 } = {},
): Promise<QueueFigures> {
  const body = Buffer.concat([counterBody('attack_total', LONG_LINES, 41), Buffer.from('bad{ 1\n')]);
  return flooded(port, { ms, connections, path: '/metrics/job/attack', body });
}

/** By-job mode: one line each, by a source of very many series; others pipeline such lines and leave. */
export async function linesOfLargeSource(
  port: number,
  { ms = 8000, connections = 300, series = 300_000 } = {},
): Promise<QueueFigures> {
  const path = '/metrics/job/large';
  const part = 50_000;
  for (let from = 0; from < series; from += part)
    await send(port, { path, body: counterBody(`large${from}_total`, part, 41) });
  const line = Buffer.from('large0_total{i="0000000"} 2\n');
  const pipelined = Buffer.alloc(60 * 200, requestBytes(`POST ${path}`, {}, line));
  const leaving = setInterval(() => leave(port, pipelined), 100);
  try {
    return await flooded(port, { ms, connections, path, body: line });
  } finally {
    clearInterval(leaving);
  }
}

/** Sends without waiting for replies, and goes. */
function leave(port: number, bytes: Buffer): void {
  const socket = connect({ port, host: '127.0.0.1' }, () => {
    socket.write(bytes);
    setTimeout(() => socket.destroy(), 50);
  });
  socket.on('error', () => {});
  socket.resume();
}

interface Flood {
  readonly ms: number;
  readonly connections: number;
  readonly path: string;
  readonly body: Buffer;
}

async function flooded(port: number, { ms, connections, path, body }: Flood): Promise<QueueFigures> {
  const endMs = performance.now() + ms;
  const [attack, honest]: Record<string, number>[] = [{}, {}];
  const honestMs: number[] = [];
  const attacker = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (performance.now() < endMs) {
      const status = await send(port, { path, body, agent });
      count(attack!, status);
      if (status !== '202' && status !== '400') await sleep(100);
    }
    agent.destroy();
  };
  const sender = async (): Promise<void> => {
    await sleep(Math.min(1000, ms / 4));
    const long = counterBody('honest_long_total', LONG_LINES, 41);
    for (let i = 0; performance.now() < endMs; i += 1) {
      const sentMs = performance.now();
      const push = i % 2 === 0 ? Buffer.from('honest_total 1\n') : long;
      count(honest!, await send(port, { path: '/metrics/job/honest', body: push }));
      honestMs.push(performance.now() - sentMs);
      await sleep(HONEST_EVERY_MS);
    }
  };
  await Promise.all([sender(), ...Array.from({ length: connections }, attacker)]);
  return { attack: attack!, honest: honest!, honestMs: honestMs.toSorted((a, b) => a - b) };
}

function count(by: Record<string, number>, status: string): void {
  by[status] = (by[status] ?? 0) + 1;
}

function send(
  port: number,
  { path, body, agent }: { readonly path: string; readonly body: Buffer; readonly agent?: Agent },
): Promise<string> {
  return new Promise((resolve) => {
    const headers = { 'Content-Length': String(body.length) };
    const sent = request(
      { port, host: '127.0.0.1', path, method: 'POST', headers, ...(agent === undefined ? {} : { agent }) },
      (reply) => {
        reply.resume();
        reply.on('end', () => resolve(String(reply.statusCode)));
        reply.on('error', () => resolve('closed'));
      },
    );
    sent.on('error', () => resolve('closed'));
    sent.end(body);
  });
}
