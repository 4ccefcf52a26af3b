/** The commands of docs/guides/high-availability.md, as they stand there but for hosts, ports and how members are started. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { fixedPort, Service } from '../support/cluster/gate.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startPostgres, withPostgres } from '../support/postgres.ts';
import type { Postgres } from '../support/postgres.ts';
import { startGateway } from '../support/process.ts';
import type { GatewayProcess } from '../support/process.ts';
import { program, repository, run } from '../support/programs.ts';
import { runPrometheus } from '../support/prometheus.ts';

const guide = readFileSync(join(repository, 'docs/guides/high-availability.md'), 'utf8');
const [, setUp = ''] = /^## Set up\n([^]*?)^## /m.exec(guide) ?? [];
/** Fenced blocks, and what a reader is asked to do between two of them. */
const steps = [...setUp.matchAll(/^```(\w+)\n([^]*?)^```$|Ctrl-C/gm)].map(
  ([, language = 'Ctrl-C', text = '']) => ({ language, text }),
);

const start = /^npm start -- (.*)\n$/;
const exported = /^export (\w+)='(.*)'\n$/;

class Walk {
  readonly members: GatewayProcess[] = [];
  readonly #postgres: Postgres;
  readonly #folder = temporaryFolder();
  readonly #urls: readonly string[];
  readonly #env: Record<string, string> = {};
  #flags: readonly string[] = [];
  #printed = '';

  constructor(postgres: Postgres, urls: readonly string[]) {
    this.#postgres = postgres;
    this.#urls = urls;
  }

  adapted(text: string): string {
    let result = text;
    for (const [i, url] of this.#urls.entries())
      result = result.replaceAll(`localhost:920${i + 1}`, new URL(url).host);
    for (const [i, { port }] of this.#postgres.servers.entries())
      result = result.replaceAll(`db-${i + 1}:5432`, `127.0.0.1:${port}`);
    return result;
  }

  async sql(text: string): Promise<void> {
    for (const statement of text.split(/;\n/).filter(Boolean)) await this.#postgres.primary.query(statement);
  }

  async shell(text: string): Promise<void> {
    const [, name, value] = exported.exec(text) ?? [];
    if (name !== undefined) {
      this.#env[name] = this.adapted(value!).replace(/(?<=passfile=)/, `${this.#folder}/`);
      return;
    }
    const [, flags] = start.exec(text) ?? [];
    if (flags !== undefined) {
      this.#flags = this.adapted(flags)
        .split(' ')
        .map((flag) => flag.replace(/(?<=file=)/, `${this.#folder}/`));
      await this.#start(this.#flags);
      return;
    }
    const { code, stdout, stderr } = await run('/bin/sh', ['-e', '-'], {
      input: this.adapted(text),
      cwd: this.#folder,
      env: { ...process.env, no_proxy: '*' },
    });
    expect({ text, code, stderr }).toEqual({ text, code: 0, stderr: '' });
    this.#printed = stdout;
  }

  printed(text: string): void {
    expect(this.#printed).toBe(text);
  }

  async #start(flags: readonly string[]): Promise<void> {
    const member = await startGateway(flags, this.#env);
    this.members.push(member);
    await eventually('it to be ready', async () => (await fetch(`${member.url}/-/ready`)).ok, 60_000);
    if (this.members.length === 1) expect(member.stderr()).toContain('this member leads');
    expect(member.stderr()).not.toMatch(/no synchronous standbys|pushes of the pair/);
  }
}

test.skipIf(withPostgres !== '')(
  `from nothing to a pair that Prometheus scrapes${withPostgres && `: ${withPostgres}`}`,
  async () => {
    program('openssl', 'openssl');
    program('curl', 'curl');
    const postgres = await startPostgres({ standbys: 2 });
    onTestFinished(() => postgres.stop());
    const urls = [`http://127.0.0.1:${await fixedPort()}`, `http://127.0.0.1:${await fixedPort()}`];
    const walk = new Walk(postgres, urls);
    let scrapes = '';
    let stopped: string | undefined;
    for (const { language, text } of steps) {
      if (language === 'sql') await walk.sql(text);
      else if (language === 'sh') await walk.shell(text);
      else if (language === 'text') walk.printed(text);
      else if (language === 'yaml') scrapes = text;
      else {
        expect(await walk.members[0]!.stop('SIGINT')).toBe(0);
        stopped = walk.members[0]!.url;
      }
    }
    expect([walk.members.length, stopped]).toEqual([2, urls[0]]);
    const first = setUp.split('\n').find((line) => line.startsWith('npm start') && line.includes(':9201'))!;
    await walk.shell(`${first}\n`);
    const service = await Service.before(urls);
    onTestFinished(() => service.close());
    await eventually('both to be ready', () => service.ready === 2, 30_000);
    const file = join(temporaryFolder(), 'prometheus.yml');
    writeFileSync(
      file,
      walk
        .adapted(scrapes)
        .replace('gateway:9091', new URL(service.url).host)
        .replace('scrape_interval: 15s', 'scrape_interval: 5s')
        .replace('scrape_timeout: 10s', 'scrape_timeout: 5s')
        .replace(/^/, 'global: { scrape_interval: 1s, scrape_timeout: 1s }\n'),
    );
    const prometheus = await runPrometheus(file);
    for (const [query, value] of [
      ['sum(jobs_total)', 2],
      ['count(jobs_total)', 1],
      ['sum(up)', 3],
    ] as const)
      await expect.poll(() => prometheus.value(query), { timeout: 60_000 }).toBe(value);
  },
);
