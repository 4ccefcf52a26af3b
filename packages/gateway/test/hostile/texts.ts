/**
 * Attacks by those who push texts: long ones, ones of ever other lengths, and ones that say the same in other words. Each runs
 * against a gateway at a port of 127.0.0.1 and returns what it was told, and what an honest sender's series were after it.
 * The memory of the gateway is for the caller to watch.
 */
import { Agent, request as httpRequest } from 'node:http';

export interface TextFigures {
  /** Pushes by status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Series of the honest sender whose values on the page are not what it pushed; without loss, 0. */
  readonly honestWrong: number;
  /** Own metrics `…_bytes` at the end, without their prefix. */
  readonly bytes: Readonly<Record<string, number>>;
}

const HONEST_SERIES = 2000;
const PREFIX = 'prom_aggregation_gateway_';
/** Longer ones are refused one by one. */
const SERIES_BYTES = 15_800;

/** Series whose labels are as long as they may be, until there is no address for them, or a limit. */
export function longLabels(port: number, { pushes = 320, series = 900 } = {}): Promise<TextFigures> {
  return attacked(port, async (attack) => {
    for (let push = 0; push < pushes; push += 1) {
      const lines = Array.from({ length: series }, (_, i) => {
        const value = `${push}-${i}-`.padEnd(SERIES_BYTES, 'x');
        return `long{v="${value}"} 1\n`;
      });
      await attack.push('job/attack', lines.join(''));
    }
  });
}

/** By-job mode: few gauges, replaced over and over by ones of other lengths. */
export function changingLengths(port: number, { pushes = 400, series = 5000 } = {}): Promise<TextFigures> {
  return attacked(port, async (attack) => {
    for (let push = 0; push < pushes; push += 1) {
      const pad = 'y'.repeat(20 + ((push * 37) % 200) * 5);
      const lines = Array.from({ length: series }, (_, i) => `changing{v="${push}-${i}-${pad}"} 1\n`);
      await attack.push('job/attack', `# TYPE changing gauge\n${lines.join('')}`, { method: 'PUT' });
    }
  });
}

/** Families whose HELP is much longer than all else of them. */
export function longHelp(
  port: number,
  { families = 50_000, helpBytes = 250_000 } = {},
): Promise<TextFigures> {
  return attacked(port, async (attack) => {
    const help = 'z'.repeat(helpBytes);
    const perPush = Math.max(1, Math.floor(8_000_000 / helpBytes));
    for (let from = 0; from < families; from += perPush) {
      const names = Array.from({ length: perPush }, (_, i) => `helped${from + i}`);
      await attack.push('job/attack', names.map((name) => `# HELP ${name} ${help}\n${name} 1\n`).join(''));
      if (attack.refusals > 20) return;
    }
  });
}

/** One series, spelled otherwise each time: blanks are part of a series key and of no series. */
export function respellings(port: number, { pushes = 160, seriesCache = 8000 } = {}): Promise<TextFigures> {
  return attacked(port, async (attack) => {
    for (let push = 0; push < pushes; push += 1) {
      const lines = Array.from({ length: seriesCache }, (_, i) => {
        const blanks = [push, i]
          .map((n) => n.toString(2).replaceAll('0', ' ').replaceAll('1', '\t'))
          .join('');
        return `respelled{${blanks}v="${i}",b="${'b'.repeat(900)}"} 1\n`;
      });
      await attack.push('job/attack', lines.join(''));
    }
  });
}

interface Attack {
  push(path: string, body: string, options?: { readonly method?: 'PUT' | 'POST' }): Promise<void>;
  readonly refusals: number;
}

async function attacked(port: number, run: (attack: Attack) => Promise<void>): Promise<TextFigures> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = (path: string, body = '', method = 'GET') => ask({ port, path, body, method, agent });
  const honest = Array.from({ length: HONEST_SERIES }, (_, i) => `honest_total{i="${i}"} ${i}\n`).join('');
  const answers: Record<string, number> = {};
  let refusals = 0;
  try {
    await send('/metrics/job/honest', `# TYPE honest_total counter\n${honest}`, 'PUT');
    await run({
      async push(path, body, { method = 'POST' } = {}) {
        const { status } = await send(`/metrics/${path}`, body, method);
        answers[status] = (answers[status] ?? 0) + 1;
        if (status >= 400) refusals += 1;
      },
      get refusals() {
        return refusals;
      },
    });
    const page = new Set((await send('/metrics')).body.split('\n'));
    const honestWrong = honest.split('\n').filter((line) => !page.has(line)).length;
    return { answers, honestWrong, bytes: bytesIn((await send('/-/metrics')).body) };
  } finally {
    agent.destroy();
  }
}

function bytesIn(ownMetrics: string): Record<string, number> {
  const found = ownMetrics.matchAll(new RegExp(`^${PREFIX}(\\w+_bytes) (\\d+)$`, 'gm'));
  return Object.fromEntries([...found].map(([, name, value]) => [name!, Number(value)]));
}

function ask(request: {
  readonly port: number;
  readonly path: string;
  readonly body: string;
  readonly method: string;
  readonly agent: Agent;
}): Promise<{ readonly status: number; readonly body: string }> {
  const { body, ...options } = request;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
