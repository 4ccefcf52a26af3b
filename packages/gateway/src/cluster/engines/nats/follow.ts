/** Messages of a stream, one by one, by a consumer that lasts as long as somebody reads. */
import { randomBytes } from 'node:crypto';

import type { ConsumerConfig, JsMsg } from '@nats-io/jetstream';
import { createInbox } from '@nats-io/transport-node';

import type { LogUnavailable } from '../../log/shared-log.ts';
import type { Connection } from './connection.ts';

const NS_PER_MS = 1_000_000;
/** Two that are missing end it: the server that has the consumer may be gone, which nobody else says. */
const HEARTBEAT_MS = 500;
/** Without a message, while the consumer beats: then it is asked whether it has more. */
const STALLED_MS = 3_000;
/** Then the servers forget it. */
const INACTIVE_MS = 30_000;

type Message = Pick<JsMsg, 'seq' | 'data' | 'subject'>;

interface FollowOptions {
  readonly stream: string;
  readonly what: string;
  /** Of one subject; all when left out. */
  readonly subject?: string;
  /** The first to be given, or the next that there is. */
  readonly from: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Gives each message as soon as it is stored. Numbers may be missing: what was deleted, and what was lost on the way. Rejects with LogUnavailable at the
 * first sign of trouble, rather than waiting for what may not come.
 */
export async function* follow(connection: Connection, options: FollowOptions): AsyncGenerator<Message> {
  const { stream, what, signal } = options;
  const config = consumerOf(options);
  const { name } = config;
  const consumer = await connection.js.consumers.getBoundPushConsumer({
    deliver_subject: config.deliver_subject,
    idle_heartbeat: config.idle_heartbeat,
  });
  // It listens before there is anything to be heard.
  const messages = await consumer.consume();
  const stop = (error?: LogUnavailable): void => messages.stop(error);
  const onEnd = (): void => stop();
  signal.addEventListener('abort', onEnd, { once: true });
  let isLost = false;
  const forgetLost = connection.onLost(() => {
    isLost = true;
    stop(connection.unavailable(what, 'connection lost'));
  });
  let beatsFrom = Infinity;
  let waitsSince = Infinity;
  let isRead = false;
  void (async () => {
    for await (const { type } of messages.status()) {
      const now = performance.now();
      const isSilent = type === 'heartbeats_missed' && now > beatsFrom;
      if (isSilent) stop(connection.unavailable(what, 'the server of the consumer is silent'));
      if (type === 'consumer_deleted') stop(connection.unavailable(what, 'the consumer was deleted'));
      if (type !== 'heartbeat' || now - waitsSince < STALLED_MS) continue;
      waitsSince = now;
      if (await isStalled(connection, stream, name)) {
        stop(connection.unavailable(what, 'the server of the consumer does not go on'));
      }
    }
  })();
  try {
    if (signal.aborted) return;
    await connection.ask(what, () => connection.jsm.consumers.add(stream, config));
    beatsFrom = performance.now() + 3 * HEARTBEAT_MS;
    waitsSince = performance.now();
    isRead = true;
    for await (const { seq, data, subject } of messages) {
      waitsSince = Infinity;
      yield { seq, data, subject };
      if (signal.aborted) return;
      waitsSince = performance.now();
    }
    if (!signal.aborted) throw connection.unavailable(what, 'the consumer ended');
  } finally {
    signal.removeEventListener('abort', onEnd);
    forgetLost();
    stop();
    // It ends, and lets go of its subscription, when somebody reads as far as that.
    if (!isRead) void readToEnd(messages);
    // Where it fails, they forget it a little later.
    if (!isLost) void connection.jsm.consumers.delete(stream, name).catch(() => {});
  }
}

/** It waits for the reader to say that it may send more, and what the reader said was lost: it goes on beating, and nothing else comes. */
async function isStalled({ jsm }: Connection, stream: string, name: string): Promise<boolean> {
  const info = await jsm.consumers.info(stream, name).catch(() => undefined);
  return info !== undefined && info.num_pending > 0;
}

async function readToEnd(messages: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of messages);
  } catch {
    // What it was stopped with was said.
  }
}

function consumerOf({ subject, from }: FollowOptions): Partial<ConsumerConfig> & {
  name: string;
  deliver_subject: string;
  idle_heartbeat: number;
} {
  return {
    name: `gateway-${randomBytes(9).toString('hex')}`,
    deliver_subject: createInbox(),
    deliver_policy: 'by_start_sequence',
    opt_start_seq: from,
    ack_policy: 'none',
    // One server reads it out of its memory; where that one is lost, another is asked.
    num_replicas: 1,
    mem_storage: true,
    flow_control: true,
    idle_heartbeat: HEARTBEAT_MS * NS_PER_MS,
    inactive_threshold: INACTIVE_MS * NS_PER_MS,
    ...(subject === undefined ? {} : { filter_subject: subject }),
  };
}
