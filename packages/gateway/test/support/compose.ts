/** deploy/compose.yaml, the sender that it starts, and deploy/compose-pair.yaml, which goes over it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { parse } from 'yaml';

import { killAtTestEnd } from './process.ts';
import { repository } from './programs.ts';

export interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly configs: readonly { readonly source: string; readonly target: string }[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly stop_grace_period?: string;
}

/** What it adds to `gateway` of the other file, and further services. */
interface ComposePair {
  readonly services: {
    readonly gateway: OfPair;
    readonly 'gateway-2': Service & OfPair;
    readonly postgres: Pick<Service, 'image' | 'environment' | 'volumes' | 'ports'> & Pick<OfPair, 'secrets'>;
  };
  readonly configs: { readonly prometheus: { readonly file: string } };
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface OfPair {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly networks: { readonly default: { readonly aliases: readonly string[] } };
}

interface ComposeFile {
  readonly services: Readonly<Record<'gateway' | 'prometheus' | 'grafana' | 'sender', Service>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const folder = join(repository, 'deploy');

export const compose = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8')) as ComposeFile;

export const composePair = parse(readFileSync(join(folder, 'compose-pair.yaml'), 'utf8')) as ComposePair;

export const pairPrometheusText: string = readFileSync(
  join(folder, composePair.configs.prometheus.file),
  'utf8',
);

/** Where the file is that a service sees there. */
export function mountedAt(service: keyof ComposeFile['services'], target: string): string {
  const mounted = compose.services[service].configs.find((each) => each.target === target);
  expect(mounted, target).toBeDefined();
  return resolve(folder, compose.configs[mounted!.source]!.file);
}

export function textAt(service: keyof ComposeFile['services'], target: string): string {
  return readFileSync(mountedAt(service, target), 'utf8');
}

/** The sender, for so many invocations, one right after the other; resolves with its exit code and what it complained of. */
export async function runSender(url: string, invocations: number): Promise<readonly [unknown, string]> {
  const [node, script = ''] = compose.services.sender.entrypoint ?? [];
  expect(node).toBe('/usr/local/bin/node');
  const env = { GATEWAY_URL: url, INTERVAL_MS: '1', INVOCATIONS: String(invocations) };
  const child = spawn(process.execPath, [mountedAt('sender', script)], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  killAtTestEnd(child);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [unknown];
  return [code, stderr];
}
