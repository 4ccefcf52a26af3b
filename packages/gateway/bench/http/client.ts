/** Requests one by one, for filling and checking: what is not answered 2xx fails the run. The load itself is wrk's. */
import { Agent, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';

const REQUEST_TIMEOUT_MS = 60_000;

/** How many pushes `pushAll` has under way unless told otherwise. */
const IN_FLIGHT = 4;

const agent = new Agent({ keepAlive: true });
/** Certificates are those of tests. */
const tlsAgent = new TlsAgent({ keepAlive: true, rejectUnauthorized: false });

export interface Push {
  readonly url: string;
  readonly body: Buffer;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
}

/** Resolves when the push is answered 2xx. */
export function push({ url, body, token }: Push): Promise<void> {
  const isTls = url.startsWith('https:');
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const outgoing = (isTls ? tlsRequest : request)(
      url,
      {
        agent: isTls ? tlsAgent : agent,
        method: 'POST',
        headers: {
          'Content-Type': 'text/plain; version=0.0.4',
          'Content-Length': body.length,
          ...authorization,
        },
        timeout: REQUEST_TIMEOUT_MS,
      },
      (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        reply.on('error', reject);
        reply.on('end', () => {
          const status = reply.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve();
          else reject(new Error(`${url} answered ${status}: ${text.trim()}`));
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`)));
    outgoing.on('error', (error) => reject(new Error(`push to ${url}: ${error.message}`, { cause: error })));
    outgoing.end(body);
  });
}

/** A few at a time, in order; `pushes` may make its bodies as they are asked for. */
export async function pushAll(pushes: Iterable<Push>, inFlight: number = IN_FLIGHT): Promise<void> {
  const iterator = pushes[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await push(next.value);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

export async function readText(url: string): Promise<string> {
  return (await read(url)).toString('utf8');
}

/** The value of one sample of a page; `series` as it stands there. */
export async function readSample(url: string, series: string): Promise<number> {
  const page = await readText(url);
  const line = page.split('\n').find((text) => text.startsWith(`${series} `));
  if (line === undefined) throw new Error(`${url} has no ${series}`);
  return Number(line.slice(series.length + 1));
}

/** How many samples the gateway's page has. */
export async function countSamples(url: string): Promise<number> {
  const page = await read(`${url}/metrics`);
  let samples = 0;
  for (let start = 0; start < page.length;) {
    if (page[start] !== 0x23) samples += 1;
    const end = page.indexOf(0x0a, start);
    start = end < 0 ? page.length : end + 1;
  }
  return samples;
}

async function read(url: string): Promise<Buffer> {
  const reply = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  if (reply.status !== 200) throw new Error(`${url} answered ${reply.status}`);
  return Buffer.from(await reply.arrayBuffer());
}
