/** A gateway with limits of series, on a journal that outlives it. */
import { createHash } from 'node:crypto';

import { Tokens } from '../../src/access/tokens.ts';
import { embed } from '../../src/embed.ts';
import type { PushFormat } from '../../src/gateway/api.ts';
import { parsePushPath } from '../../src/http/routes/push-path.ts';
import type { RequestError } from '../../src/model/errors.ts';
import { readRules } from '../../src/rules/file/read-rules.ts';
import { KeptJournal } from './kept-journal.ts';

/** A token is its name. */
const digestOf = (name: string): string => createHash('sha256').update(name).digest('hex');

function rulesOf(file: string) {
  const { rules, problems } = readRules(
    file.replaceAll(/sha256\((\w+)\)/g, (_, name: string) => digestOf(name)),
  );
  if (rules === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  return rules;
}

export const token = (name: string, limits: string): string =>
  `  - {name: ${name}, sha256: ${digestOf(name)}, limits: {${limits}}}\n`;

/** With such a file, on a journal that outlives it. */
export class Limited {
  nowMs = 0;
  #file: string;
  readonly #options: object;
  #journal = new KeptJournal();
  #tokens!: Tokens;
  #embedded!: ReturnType<typeof embed>;

  private constructor(file: string, options: object) {
    this.#file = file;
    this.#options = options;
  }

  static async with(file: string, options: object = {}): Promise<Limited> {
    const limited = new Limited(file, options);
    await limited.#open();
    return limited;
  }

  async #open(): Promise<void> {
    const rules = rulesOf(this.#file);
    this.#tokens = new Tokens(() => this.nowMs);
    this.#tokens.set(rules.access?.tokens ?? []);
    this.#embedded = embed(this.#options, this.#journal, rules);
    await this.#embedded.gateway.open(3_600_000);
  }

  async restart({ snapshot = false }: { readonly snapshot?: boolean } = {}): Promise<void> {
    if (snapshot) await this.#embedded.gateway.snapshots.take();
    void this.#embedded.embedded.close();
    this.#journal = this.#journal.reopened();
    await this.#open();
  }

  /** To be called where there are many: one that is open stays in memory. */
  async close(): Promise<void> {
    await this.#embedded.embedded.close();
  }

  /** The outcome, or what was wrong. */
  async push(
    body: string | Uint8Array,
    by: {
      readonly token?: string;
      readonly path?: string;
      readonly format?: PushFormat;
      readonly method?: 'PUT' | 'POST';
    } = {},
  ): Promise<string> {
    const { path = 'job/x', format = 'text', method = 'POST' } = by;
    const found = by.token === undefined ? undefined : this.#tokens.find(by.token)!;
    try {
      return await this.#embedded.gateway.push({
        method,
        key: parsePushPath(path),
        format,
        body: Buffer.from(body),
        rights: found?.rule.series,
        allowance: found?.allowance,
      });
    } catch (error) {
      return `${(error as RequestError).code}: ${(error as RequestError).text}`;
    }
  }

  async reload(file: string): Promise<void> {
    this.#file = file;
    const rules = rulesOf(file);
    await this.#embedded.gateway.setRules(rules);
    this.#tokens.set(rules.access?.tokens ?? []);
  }

  seriesOf(tokenName: string): number {
    return this.#embedded.gateway.holdingsByType().seriesByToken.get(tokenName) ?? 0;
  }

  async deleteSeries(match: string): Promise<void> {
    await this.#embedded.gateway.deleteMany({ what: 'series', match: [match], isDryRun: false });
  }

  delete(path: string): Promise<boolean> {
    return this.#embedded.gateway.delete(parsePushPath(path));
  }

  page(): Promise<string> {
    return this.#embedded.embedded.scrape();
  }

  /** Without metadata. */
  async lines(): Promise<readonly string[]> {
    return (await this.page()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }
}
