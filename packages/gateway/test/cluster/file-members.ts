/** Members of a cluster on virtual time and a log in memory, put together as a process is, each with a configuration file of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, onTestFinished } from 'vitest';

import { assembleMember } from '../../src/assemble-member.ts';
import type { MemberAssembly } from '../../src/assemble-member.ts';
import { partsOf } from '../../src/embed.ts';
import type { EmbeddedOptions } from '../../src/embedded.ts';
import { parsePushPath } from '../../src/http/routes/push-path.ts';
import { defaultStorageOptions } from '../../src/journal/options.ts';
import { readRulesFile } from '../../src/rules-file.ts';
import { collectingLog } from '../support/collecting-log.ts';
import type { LogLine } from '../support/collecting-log.ts';
import { temporaryFolder } from '../support/folders.ts';
import { MemoryEngine, MemoryLog } from '../support/memory-log.ts';
import { Random } from './simulation/random.ts';
import { VirtualProcess, VirtualTime } from './simulation/virtual-time.ts';

const WALL_MS = 1_700_000_000_000;
export const LEASE_MS = 3_000;

interface Start {
  /** Undefined for none. */
  readonly file?: string | undefined;
  readonly options?: EmbeddedOptions;
}

export class FileMember {
  readonly assembly: MemberAssembly;
  readonly lines: readonly LogLine[];
  /** What ended it. */
  fatal: Error | undefined;
  readonly #path: string | undefined;
  readonly #time: VirtualTime;

  constructor(
    assembly: MemberAssembly,
    more: Pick<FileMember, 'lines'> & { path: string | undefined; time: VirtualTime },
  ) {
    this.assembly = assembly;
    this.lines = more.lines;
    this.#path = more.path;
    this.#time = more.time;
  }

  get leads(): boolean {
    return this.assembly.member.isLeading;
  }

  /** As its metric says. */
  get differs(): boolean {
    const { member } = this.assembly;
    return member.current.gateway.choice!.differs;
  }

  write(text: string): void {
    writeFileSync(this.#path!, text);
  }

  reload(): Promise<string> {
    return this.assembly.reload!.run();
  }

  async push(body: string, path = ''): Promise<void> {
    await this.assembly.gateway.push({ method: 'POST', key: parsePushPath(path), body: Buffer.from(body) });
  }

  async page(): Promise<string> {
    const slices: Uint8Array[] = [];
    for await (const slice of this.assembly.gateway.scrape()) slices.push(slice);
    return Buffer.concat(slices).toString();
  }

  /** As /api/v1/rules has them. */
  async rules(): Promise<{ readonly file: string | null; readonly rules: readonly string[] }> {
    const { data } = await this.assembly.gateway.insight.rules({ isGone: false });
    const { file, rules } = JSON.parse(Buffer.concat(data).toString()) as {
      readonly file: string | null;
      readonly rules: readonly { readonly text: string }[];
    };
    return { file, rules: rules.map(({ text }) => text) };
  }

  logged(level: string, part: string): number {
    return this.lines.filter(([of, message]) => of === level && message.includes(part)).length;
  }

  kill(): void {
    this.assembly.member.abandon();
  }

  async stop(): Promise<void> {
    const closed = this.assembly.gateway.close();
    await this.#time.pass(100);
    await closed;
  }
}

export class FileCluster {
  readonly time = new VirtualTime();
  readonly engine = new MemoryEngine();
  readonly #random = new Random(1);
  readonly #folder = temporaryFolder();

  async start(name: string, { file, options = {} }: Start): Promise<FileMember> {
    const path = file === undefined ? undefined : join(this.#folder, `${name}.yaml`);
    if (path !== undefined) writeFileSync(path, file!);
    const { log, lines } = collectingLog();
    const { time } = this;
    const clock = { now: () => WALL_MS + time.nowMs, elapsed: () => time.nowMs };
    const parts = partsOf({ ...options, clock, log });
    const read =
      path === undefined ? undefined : await readRulesFile(path, parts.gatewayOptions, { isShared: true });
    if (read !== undefined) expect(read.messages.filter(({ severity }) => severity === 'error')).toEqual([]);
    let member: FileMember | undefined;
    const assembly = assembleMember({
      ...parts,
      rules: read?.rules,
      file: read?.file,
      configFile: path,
      storage: defaultStorageOptions,
      cluster: {
        log: new MemoryLog(this.engine),
        secret: 'a secret of the cluster',
        name,
        advertiseUrl: `http://${name}`,
        leaseMs: LEASE_MS,
        holdMs: 10_000,
        digestIntervalMs: 60_000,
        timing: new VirtualProcess(time, this.#random),
      },
      onFatal: (error) => {
        member!.fatal = error;
      },
    });
    member = new FileMember(assembly, { lines, path, time });
    onTestFinished(() => {
      assembly.forwarder.close();
      assembly.member.abandon();
    });
    assembly.member.start();
    await time.pass(100);
    return member;
  }

  /** Until all of them have read all that there is now: time passes faster here than they read. */
  async untilRead(members: readonly FileMember[]): Promise<void> {
    const { end } = this.engine;
    while (members.some(({ assembly }) => assembly.member.blockNumber < end)) await this.time.pass(50);
  }

  /** After who led before was lost, or has stopped. */
  async untilLeads(member: FileMember): Promise<void> {
    while (!member.leads) await this.time.pass(100);
  }
}
