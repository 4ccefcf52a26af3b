/**
 * The framing corpus and random changes of it against a gateway that runs in add mode. What must hold: replies come whole and in
 * order, and nothing has counted that is not answered 202.
 */
import { Random } from '../support/random.ts';
import type { FramingCase } from './framing-corpus.ts';
import { framingCorpus, LINE, LINE_BYTES } from './framing-corpus.ts';
import { exchangeRaw } from './raw-http.ts';
import type { Exchanged } from './raw-http.ts';

export interface FramingOptions {
  readonly seed: number;
  /** Changed requests, in addition to the corpus. */
  readonly mutations: number;
  /** Connections at one time. */
  readonly concurrency?: number;
  /** After so long without a byte the sender closes its side of a connection with changed requests. */
  readonly quietMs?: number;
}

export interface FramingResult {
  readonly connections: number;
  readonly accepted: number;
  readonly refused: number;
  /** What did not hold, each with the name or the bytes of the case. */
  readonly violations: readonly string[];
}

interface Attempt {
  readonly id: string;
  readonly packets: readonly string[];
  readonly finish: boolean;
  readonly expected: FramingCase | undefined;
}

const CONCURRENCY = 8;
const QUIET_MS = 200;
const CLOSE_TIMEOUT_MS = 10_000;
const VIOLATIONS_MAX = 20;

export async function runFraming(port: number, options: FramingOptions): Promise<FramingResult> {
  const before = await countedById(port);
  const attempts = [...corpusAttempts(), ...mutatedAttempts(options)];
  const outcomes = new Map<Attempt, Exchanged>();
  const queue = attempts.values();
  const worker = async (): Promise<void> => {
    for (const attempt of queue) {
      const { expected } = attempt;
      const repliesMax = expected?.closes === false ? { repliesMax: expected.statuses.length } : {};
      outcomes.set(
        attempt,
        await exchangeRaw(port, {
          packets: attempt.packets,
          finish: attempt.finish,
          // What must close by itself gets its time.
          quietMs: expected === undefined ? (options.quietMs ?? QUIET_MS) : CLOSE_TIMEOUT_MS,
          whenQuiet: expected === undefined ? 'finish' : 'give up',
          ...repliesMax,
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? CONCURRENCY }, worker));
  const counted = await countedById(port);
  const violations: string[] = [];
  let accepted = 0;
  let refused = 0;
  for (const [attempt, outcome] of outcomes) {
    const statuses = outcome.replies.map((reply) => reply.status);
    accepted += statuses.filter((status) => status === 202).length;
    refused += statuses.filter((status) => status >= 400).length;
    for (const problem of problemsOf(
      attempt,
      outcome,
      (counted.get(attempt.id) ?? 0) - (before.get(attempt.id) ?? 0),
    )) {
      if (violations.length < VIOLATIONS_MAX) {
        violations.push(`${attempt.expected?.name ?? JSON.stringify(attempt.packets)}: ${problem}`);
      }
    }
  }
  return { connections: attempts.length, accepted, refused, violations };
}

function problemsOf({ expected }: Attempt, outcome: Exchanged, counted: number): string[] {
  const problems: string[] = [];
  const statuses = outcome.replies.map((reply) => reply.status);
  const accepted = statuses.filter((status) => status === 202).length;
  if (outcome.problem !== undefined) problems.push(outcome.problem);
  // A push may have become empty, and count for nothing.
  if (counted > accepted)
    problems.push(`${accepted} accepted and ${counted} counted (${statuses.join(' ')})`);
  for (const { status, headers } of outcome.replies) {
    if (status >= 200 && headers.get('x-content-type-options') !== 'nosniff')
      problems.push(`${status} without nosniff`);
    if (status >= 500 && status !== 503) problems.push(`answered ${status}`);
  }
  if (expected === undefined) {
    if (!outcome.closed) problems.push('was not closed after the sender had closed its side');
    return problems;
  }
  if (statuses.join(' ') !== expected.statuses.join(' ')) {
    problems.push(`answered ${statuses.join(' ')} instead of ${expected.statuses.join(' ')}`);
  }
  if (counted !== expected.counted) problems.push(`${counted} counted instead of ${expected.counted}`);
  if (outcome.closed !== expected.closes) problems.push(outcome.closed ? 'was closed' : 'was not closed');
  return problems;
}

function corpusAttempts(): Attempt[] {
  return framingCorpus.map((expected, i) => {
    const id = idOf('c', i);
    const packets = expected.packets.map((packet) => filledIn(packet, id));
    return { id, packets, finish: expected.finish === true, expected };
  });
}

/** Seven characters, so that all lines are of one length. */
function idOf(kind: string, i: number): string {
  return kind + String(i).padStart(6, '0');
}

function filledIn(packet: string, id: string): string {
  return packet.replaceAll(LINE, LINE.replace('%', id));
}

/** Bodies stay as they are: what is not there is not counted as another series. */
function mutatedAttempts({ seed, mutations }: FramingOptions): Attempt[] {
  const random = new Random(seed);
  const sources = framingCorpus.filter(({ packets }) => packets.join('').length < 4_000);
  return Array.from({ length: mutations }, (_, i) => {
    const id = idOf('m', i);
    const packets = [...random.pick(sources).packets];
    const changes = 1 + random.below(3);
    for (let change = 0; change < changes; change += 1) {
      const at = random.below(packets.length);
      packets[at] = mutated(packets[at]!, random, sources);
    }
    return {
      id,
      packets: packets.map((packet) => filledIn(packet, id)),
      finish: random.chance(30),
      expected: undefined,
    };
  });
}

const fragments: readonly string[] = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0',
  '1',
  'f',
  '%',
  'Host: y\r\n',
  'HTTP/1.0',
  '0\r\n\r\n',
  'Content-Length: 0\r\n',
  `Content-Length: ${LINE_BYTES}\r\n`,
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: h2c\r\nConnection: upgrade\r\n',
  '\xff',
];

function mutated(packet: string, random: Random, sources: readonly FramingCase[]): string {
  const at = placeIn(packet, random);
  switch (random.below(5)) {
    case 0:
      return packet.slice(0, at) + random.pick(fragments) + packet.slice(at);
    case 1:
      return packet.slice(0, at) + packet.slice(at + 1);
    case 2:
      return packet.slice(0, at) + String.fromCharCode(random.below(256)) + packet.slice(at + 1);
    case 3:
      return packet + random.pick(random.pick(sources).packets);
    default:
      return packet.slice(0, at);
  }
}

/** A place outside of bodies. */
function placeIn(packet: string, random: Random): number {
  const at = random.below(packet.length);
  const line = packet.lastIndexOf(LINE, at);
  return line !== -1 && at < line + LINE.length ? line : at;
}

async function countedById(port: number): Promise<ReadonlyMap<string, number>> {
  const reply = await fetch(`http://127.0.0.1:${port}/metrics`);
  const counted = new Map<string, number>();
  for (const match of (await reply.text()).matchAll(/^framing_pushed_total\{case="([^"]*)"\} (\d+)$/gm)) {
    counted.set(match[1]!, Number(match[2]));
  }
  return counted;
}
