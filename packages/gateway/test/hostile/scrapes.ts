/**
 * Attacks by those who scrape. Each runs against a gateway at a port of 127.0.0.1, for a bounded time, while an honest scraper
 * goes on, and returns what that one saw. The memory of the gateway is for the caller to watch.
 */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ScrapeFigures {
  /** Of the honest scraper: how often it saw each status, or code of an error. */
  readonly honest: Readonly<Record<string, number>>;
  readonly honestMedianMs: number;
  readonly honestWorstMs: number;
  /** Attacking connections that saw themselves closed; one that reads nothing does not notice. */
  readonly closed: number;
}

const GET = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
/** As Prometheus does by default. */
const HONEST_TIMEOUT_SECONDS = 10;
const HONEST_PAUSE_MS = 500;

/** Many scrapes, one behind the other on one connection that is never read. */
export function pipelinedScrapes(port: number, { count = 1800, ms = 8_000 } = {}): Promise<ScrapeFigures> {
  return attacked(port, ms, (attack) => void attack.open(GET.repeat(count)));
}

/** Many connections, each with a scrape that is never read. */
export function unreadScrapes(port: number, { count = 1000, ms = 12_000 } = {}): Promise<ScrapeFigures> {
  return attacked(port, ms, (attack) => {
    for (let i = 0; i < count; i += 1) attack.open(GET);
  });
}

/** Readers that take next to nothing, and come back as soon as they are cut off. */
export function slowReaders(port: number, { count = 64, ms = 30_000 } = {}): Promise<ScrapeFigures> {
  return attacked(port, ms, (attack) => {
    const comeBack = (): void => {
      if (attack.isOver) return;
      const socket = attack.open(GET);
      takeLittle(socket);
      socket.once('close', () => setImmediate(comeBack));
    };
    for (let i = 0; i < count; i += 1) comeBack();
  });
}

/** Pages in each format and escaping, again and again. Returns when each came as often. */
export async function everyVariant(port: number, { rounds = 3 } = {}): Promise<ScrapeFigures> {
  const formats = [
    'text/plain;version=1.0.0',
    'application/openmetrics-text;version=1.0.0',
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  ];
  const escapings = ['allow-utf-8', 'underscores', 'dots', 'values'];
  const honest = new Honest(port);
  for (let round = 0; round < rounds; round += 1) {
    for (const format of formats) {
      for (const escaping of escapings) await honest.scrape(`${format};escaping=${escaping}`);
    }
  }
  return { ...honest.figures(), closed: 0 };
}

/**
 * In by-job mode: one source replaces its gauges by others over and over, while a scraper that asks for an hour takes next to
 * nothing. What is freed must not pile up.
 */
export async function freedWhileRead(
  port: number,
  { rounds = 100, series = 10_000 } = {},
): Promise<ScrapeFigures & { readonly freed: number }> {
  let freed = 0;
  const figures = await attacked(port, Number.POSITIVE_INFINITY, async (attack) => {
    takeLittle(attack.open(GET.replace('\r\n\r\n', '\r\nX-Prometheus-Scrape-Timeout-Seconds: 3600\r\n\r\n')));
    for (let round = 0; round < rounds; round += 1) {
      const lines = Array.from(
        { length: series },
        (_, i) => `freed{text="${round} ${String(i).padStart(60, 'x')}"} 1`,
      );
      const body = `# TYPE freed gauge\n${lines.join('\n')}\n`;
      await answered(port, 'PUT', '/metrics/job/freed', { body });
      freed += series;
    }
    attack.isOver = true;
  });
  return { ...figures, freed };
}

class Attack {
  isOver = false;
  closed = 0;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends, and does not read. */
  open(requests: string): Socket {
    const socket = connect(this.#port, '127.0.0.1');
    this.#sockets.add(socket);
    socket.pause();
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (!this.isOver) this.closed += 1;
    });
    socket.write(requests);
    return socket;
  }

  end(): void {
    this.isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function attacked(
  port: number,
  ms: number,
  begin: (attack: Attack) => void | Promise<void>,
): Promise<ScrapeFigures> {
  const attack = new Attack(port);
  const honest = new Honest(port);
  const end = performance.now() + ms;
  try {
    const attacking = begin(attack);
    while (performance.now() < end && !attack.isOver) {
      await sleep(HONEST_PAUSE_MS);
      await honest.scrape('text/plain');
    }
    await attacking;
  } finally {
    attack.end();
  }
  return { ...honest.figures(), closed: attack.closed };
}

/** A chunk a second, which is 64 KiB at most; nothing at all would not notice when the gateway has closed. */
function takeLittle(socket: Socket): void {
  const timer = setInterval(() => {
    socket.once('data', () => socket.pause());
    socket.resume();
  }, 1_000);
  socket.once('close', () => clearInterval(timer));
}

class Honest {
  readonly #port: number;
  readonly #seen: Record<string, number> = {};
  readonly #times: number[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  async scrape(accept: string): Promise<void> {
    const startMs = performance.now();
    const headers = {
      Accept: accept,
      'X-Prometheus-Scrape-Timeout-Seconds': String(HONEST_TIMEOUT_SECONDS),
    };
    const status = await answered(this.#port, 'GET', '/metrics', { headers });
    this.#seen[status] = (this.#seen[status] ?? 0) + 1;
    this.#times.push(performance.now() - startMs);
  }

  figures(): Omit<ScrapeFigures, 'closed'> {
    const times = this.#times.toSorted((a, b) => a - b);
    return {
      honest: this.#seen,
      honestMedianMs: times[times.length >> 1] ?? 0,
      honestWorstMs: times.at(-1) ?? 0,
    };
  }
}

/** The status of a reply that was read whole, or the code of what went wrong. */
function answered(
  port: number,
  method: string,
  path: string,
  { headers = {}, body = '' }: { readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? 'failed');
    const request = httpRequest({ port, host: '127.0.0.1', method, path, headers, agent: false }, (reply) => {
      reply.resume();
      reply.once('error', failed);
      reply.once('end', () => resolve(String(reply.statusCode)));
    });
    request.once('error', failed);
    request.end(body);
  });
}
