/**
 * Senders for tests that kill the gateway under them. Each has a series of its own, pushes 1 to it, one push at a time, and remembers what it
 * was told. What was acknowledged must be there afterwards; a push whose answer never came may be.
 */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 10_000;
const RETRY_MS = 10;

export interface Sender {
  readonly series: string;
  acknowledged: number;
  /** Pushes whose answer never came, or was not 202. */
  unanswered: number;
}

export function createSenders(count: number): readonly Sender[] {
  return Array.from({ length: count }, (_, i) => ({
    series: `pushed_total{sender="${i}"}`,
    acknowledged: 0,
    unanswered: 0,
  }));
}

export interface Load {
  /** Stops all senders and resolves when the last answer has come, or will not come any more. */
  stop(): Promise<void>;
}

/** Each sender pushes until something goes wrong, and then no more. */
export function pushOnce(senders: readonly Sender[], url: string): Load {
  return run(senders, async (sender, agent) => {
    const status = await send(agent, url, sender.series);
    if (status === 202) sender.acknowledged += 1;
    else sender.unanswered += 1;
    return status === 202;
  });
}

/** Each sender gives each push a key and sends it until it is acknowledged, wherever the gateway is by then. */
export function pushUntilAcknowledged(senders: readonly Sender[], url: () => string): Load {
  return run(senders, async (sender, agent) => {
    const key = randomUUID();
    while ((await send(agent, url(), sender.series, key)) !== 202) await sleep(RETRY_MS);
    sender.acknowledged += 1;
    return true;
  });
}

function run(senders: readonly Sender[], pushOne: (sender: Sender, agent: Agent) => Promise<boolean>): Load {
  const agent = new Agent({ keepAlive: true });
  let running = true;
  const all = senders.map(async (sender) => {
    while (running && (await pushOne(sender, agent)));
  });
  return {
    async stop() {
      running = false;
      await Promise.all(all);
      agent.destroy();
    },
  };
}

/** The status of the answer, undefined when none came. */
function send(agent: Agent, url: string, series: string, key?: string): Promise<number | undefined> {
  const body = `# TYPE pushed_total counter\n${series} 1\n`;
  return new Promise((resolve) => {
    const outgoing = request(
      `${url}/metrics/`,
      {
        agent,
        method: 'POST',
        timeout: TIMEOUT_MS,
        headers: { 'Content-Length': body.length, ...(key === undefined ? {} : { 'Idempotency-Key': key }) },
      },
      (reply) => {
        reply.on('error', () => resolve(undefined));
        reply.on('end', () => resolve(reply.statusCode));
        reply.resume();
      },
    );
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => resolve(undefined));
    outgoing.end(body);
  });
}
