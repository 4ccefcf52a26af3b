import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

import { onTestFinished } from 'vitest';

import type { Access } from '../../src/access/access.ts';
import type {
  Client,
  Deleted,
  DeleteRequest,
  GatewayApi,
  Listed,
  ListRequest,
  PushOutcome,
  PushRequest,
  Scrape,
  ScrapeRequest,
  SeriesStatistics,
  Suspect,
} from '../../src/gateway/api.ts';
import type { Validated } from '../../src/gateway/insight-api.ts';
import type { Insight } from '../../src/gateway/insight/insight.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import type { Telemetry } from '../../src/gateway/telemetry/telemetry.ts';
import { defaultHttpOptions } from '../../src/http/options.ts';
import type { HttpOptions } from '../../src/http/options.ts';
import type { ClusterDoor } from '../../src/http/cluster.ts';
import { createServer } from '../../src/http/server.ts';
import type { GatewayServer } from '../../src/http/server.ts';
import { emptyGroupingKey } from '../../src/model/labels.ts';
import type { Log } from '../../src/primitives/log.ts';
import type { SendersMode } from '../../src/store/aggregation-config.ts';
import { silentLog } from '../../src/primitives/log.ts';

export interface SeenPush {
  readonly method: string;
  readonly labels: Record<string, string>;
  readonly body: string;
}

/** A gateway that writes down what it is asked. */
export class FakeGateway implements GatewayApi {
  readonly pushes: SeenPush[] = [];
  readonly deletes: Record<string, string>[] = [];
  readonly deletions: DeleteRequest[] = [];
  readonly scrapes: (ScrapeRequest | undefined)[] = [];
  slices: readonly (string | Error)[] = ['a 1\n', 'b 2\n'];
  failure: Error | undefined;
  suspects: readonly Suspect[] = [];
  mode: SendersMode = 'add';
  /** Of a gateway to which a series `a` was pushed. */
  readonly insight = insightOfOne();
  slicesReturned = 0;
  scrapesClosed = 0;
  lastKey: string | undefined;
  lastAgeMs: number | undefined;
  /** Idempotency keys that it has seen before. */
  readonly keys = new Set<string | undefined>();

  async push(request: PushRequest): Promise<PushOutcome> {
    if (this.failure !== undefined) throw this.failure;
    this.pushes.push({
      method: request.method,
      labels: Object.fromEntries(request.key.labels.map((label) => [label.name, label.value])),
      body: Buffer.from(request.body).toString(),
    });
    this.lastKey = request.idempotencyKey;
    this.lastAgeMs = request.firstAttemptAgeMs;
    return this.keys.has(request.idempotencyKey) ? 'replayed' : 'applied';
  }

  async delete(key: PushRequest['key']): Promise<boolean> {
    this.deletes.push(Object.fromEntries(key.labels.map((label) => [label.name, label.value])));
    return this.mode !== 'add';
  }

  async deleteMany(request: DeleteRequest): Promise<Deleted> {
    if (this.failure !== undefined) throw this.failure;
    this.deletions.push(request);
    return { series: 7, sources: 2, firstSeries: ['a{b="c"}'], firstSources: ['{job="x"}'] };
  }

  async validate(): Promise<Validated> {
    const nothing = { series: [], dropped: [], ignored: {}, errors: [], truncated: false };
    return { wouldBe: 'applied', mode: 'add', samples: 0, ...nothing };
  }

  statisticsOf: SeriesStatistics = {
    series: 3,
    labelPairs: 3,
    seriesByName: [
      { name: 'b', value: 2 },
      { name: 'a', value: 1 },
    ],
    valuesByLabel: [],
    bytesByLabel: [],
    seriesByPair: [{ name: 'c="d', value: 2 }],
    warnings: [],
  };
  readonly statisticsClients: (Pick<Client, 'isGone'> | undefined)[] = [];

  async statistics(client?: Pick<Client, 'isGone'>): Promise<SeriesStatistics> {
    this.statisticsClients.push(client);
    if (this.failure !== undefined) throw this.failure;
    return this.statisticsOf;
  }

  listed: Listed = { data: [Buffer.from('["a"'), Buffer.from(',"b"]')], warnings: [] };
  readonly lists: ListRequest[] = [];

  async list(request: ListRequest): Promise<Listed> {
    this.lists.push(request);
    if (this.failure !== undefined) throw this.failure;
    return this.listed;
  }

  /** It has no state to apply anything to. */
  async commit(): Promise<never> {
    throw new Error('not to be asked for');
  }

  scrape(request?: ScrapeRequest): Scrape {
    this.scrapes.push(request);
    const slices = this.#slices();
    return { [Symbol.asyncIterator]: () => slices, close: () => (this.scrapesClosed += 1) };
  }

  async *#slices(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (const slice of this.slices) {
        if (slice instanceof Error) throw slice;
        yield Buffer.from(slice);
      }
    } finally {
      this.slicesReturned += 1;
    }
  }

  holdings() {
    const pushes = this.pushes.length;
    return { families: 3, series: 12, sources: 2, pushes, lastPushMs: undefined, suspects: this.suspects };
  }
}

function insightOfOne(): Insight {
  const gateway = new Gateway({
    options: defaultGatewayOptions,
    clock: { now: () => Date.now() },
    log: silentLog,
  });
  void gateway.push({ method: 'POST', key: emptyGroupingKey, body: Buffer.from('a 1\n') });
  return gateway.insight;
}

export class FakeTelemetry implements Telemetry {
  readonly refused: [code: string, bytes: number][] = [];
  readonly scrapes: number[] = [];
  readonly byToken: [token: string, result: string][] = [];
  pushAccepted(): void {}
  pushReplayed(): void {}
  pushedBy(token: string, result: string): void {
    this.byToken.push([token, result]);
  }
  committed(): void {}
  pushRefused(code: string, bytes: number): void {
    this.refused.push([code, bytes]);
  }
  samplesIgnored(): void {}
  samplesOverflowed(): void {}
  seriesDeleted(): void {}
  scrapeTurnedAway(): void {}
  scrapeCut(): void {}
  scraped(_seconds: number, bytes: number): void {
    this.scrapes.push(bytes);
  }
  async page() {
    return { contentType: 'text/plain; version=0.0.4', body: 'own 1\n' };
  }
}

export interface Running {
  readonly gateway: FakeGateway;
  readonly telemetry: FakeTelemetry;
  readonly server: GatewayServer;
  readonly port: number;
  /** Messages at level error. */
  readonly errors: string[];
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Reply>;
  /** A plain socket, for what an HTTP client would not do. */
  readonly open: () => RawClient;
}

export interface SendOptions {
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly chunks?: readonly (string | Uint8Array)[];
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export async function run(
  options: Partial<HttpOptions> = {},
  more: {
    readonly byJob?: boolean;
    readonly access?: Access;
    readonly log?: Log;
    readonly reload?: (() => Promise<string>) | undefined;
    readonly cluster?: ClusterDoor | undefined;
  } = {},
): Promise<Running> {
  const gateway = new FakeGateway();
  if (more.byJob === true) gateway.mode = 'by-job';
  const telemetry = new FakeTelemetry();
  const errors: string[] = [];
  const log: Log = more.log ?? { ...silentLog, error: (message) => errors.push(message) };
  const server = createServer({
    gateway,
    telemetry,
    log,
    options: { ...defaultHttpOptions, shutdownTimeoutMs: 2_000, ...options },
    access: more.access,
    reload: more.reload,
    cluster: more.cluster,
    version: '1.2.3',
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await server.close();
    // What a test has made stays for as long as the run.
    gateway.slices = [];
  });
  const send: Running['send'] = (method, path, sent) => sendTo(port, method, path, sent);
  return { gateway, telemetry, server, port, errors, send, open: () => new RawClient(port) };
}

export function sendTo(port: number, method: string, path: string, sent: SendOptions = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = sent.body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(sent.body)) };
    const headers = { ...length, ...sent.headers };
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (reply) => {
      const parts: Buffer[] = [];
      reply.on('data', (part: Buffer) => parts.push(part));
      reply.on('error', reject);
      reply.on('end', () => {
        const body = Buffer.concat(parts);
        resolve({ status: reply.statusCode!, headers: reply.headers, body, text: body.toString() });
      });
    });
    request.on('error', reject);
    for (const chunk of sent.chunks ?? []) request.write(chunk);
    request.end(sent.body);
  });
}

export class RawClient {
  readonly socket: Socket;
  received = '';
  closed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1');
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  write(text: string): void {
    this.socket.write(text);
  }

  async until(condition: (client: RawClient) => boolean): Promise<void> {
    await waitFor(() => condition(this));
  }
}

/** Polls for up to five seconds. */
export async function waitFor(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(1 + i, 10)));
  }
  throw new Error('waited in vain');
}
