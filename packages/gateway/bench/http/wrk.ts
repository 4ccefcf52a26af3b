/**
 * Load from wrk: one thread that sends given bodies in turn, as fast as they are answered, for a given time. It is a program
 * of its own, in C, so that what is measured is the server and not the sender.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Push } from './client.ts';
import { runProgram, temporaryFolder } from './processes.ts';

const TIMEOUT_SECONDS = 20;

/** How long wrk may take beyond its time to connect and to end. */
const GRACE_MS = 30_000;

/**
 * Requests are put together once, before the load. The list has three lines for each: its path, the file of its body, and its Authorization,
 * which may be empty.
 * Everything that is measured comes out as one line of JSON.
 */
const script = `
local requests = {}
local last = 0

function init(args)
  wrk.headers["Content-Type"] = "text/plain; version=0.0.4"
  local list = assert(io.open(args[1], "r"))
  for path in list:lines() do
    local file = assert(io.open(list:read("*l"), "rb"))
    local authorization = list:read("*l")
    wrk.headers["Authorization"] = authorization ~= "" and authorization or nil
    requests[#requests + 1] = wrk.format("POST", path, nil, file:read("*a"))
    file:close()
  end
  list:close()
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
`;

interface Outcome {
  readonly requests: number;
  readonly micros: number;
  readonly p50: number;
  readonly p99: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly status: number;
  readonly timeout: number;
}

export interface LoadResult {
  readonly pushes: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A list of requests to one server, written out for wrk to read. May be run several times. */
export interface Load {
  /** Rejects when any reply was not 2xx, or any connection failed. */
  run(seconds: number): Promise<LoadResult>;
}

let written = 0;
const bodyFiles = new Map<Buffer, string>();

export function prepareLoad(pushes: readonly Push[], connections: number): Load {
  const folder = join(temporaryFolder(), 'wrk');
  mkdirSync(folder, { recursive: true });
  const scriptFile = join(folder, 'push.lua');
  writeFileSync(scriptFile, script);
  const listFile = join(folder, `list-${written++}`);
  const lines = pushes.flatMap(({ url, body, token }) => [
    pathOf(url),
    bodyFile(folder, body),
    token === undefined ? '' : `Bearer ${token}`,
  ]);
  writeFileSync(listFile, `${lines.join('\n')}\n`);
  const origin = new URL(pushes[0]!.url).origin;
  return {
    async run(seconds) {
      const flags = [
        '-t1',
        `-c${connections}`,
        `-d${seconds}s`,
        `--timeout=${TIMEOUT_SECONDS}s`,
        '-s',
        scriptFile,
      ];
      const stdout = await runProgram('wrk', [...flags, `${origin}/`, '--', listFile], {
        timeoutMs: seconds * 1_000 + GRACE_MS,
        debianPackage: 'wrk',
      });
      return readOutcome(stdout);
    },
  };
}

function readOutcome(stdout: string): LoadResult {
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`wrk did not print its figures:\n${stdout}`);
  const { requests, micros, p50, p99, ...errors } = JSON.parse(line) as Outcome;
  const failed = Object.entries(errors).filter(([, count]) => count > 0);
  if (failed.length > 0) {
    const counts = failed.map(([kind, count]) => `${count} ${kind}`).join(', ');
    throw new Error(`the load failed (wrk's errors: ${counts}, of ${requests} requests):\n${stdout}`);
  }
  if (requests === 0) throw new Error(`no push was answered:\n${stdout}`);
  return { pushes: requests, seconds: micros / 1e6, p50Ms: p50 / 1_000, p99Ms: p99 / 1_000 };
}

/** A body that many servers get is written once. */
function bodyFile(folder: string, body: Buffer): string {
  let file = bodyFiles.get(body);
  if (file === undefined) {
    file = join(folder, `body-${written++}`);
    writeFileSync(file, body);
    bodyFiles.set(body, file);
  }
  return file;
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}
