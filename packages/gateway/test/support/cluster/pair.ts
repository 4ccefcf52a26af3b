/** Two gateways that share a log, each a process of its own, with a network of its own to the servers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

import { eventually } from '../eventually.ts';
import { temporaryFolder } from '../folders.ts';
import { scrape } from '../http.ts';
import { builtMain, runGateway, startGateway } from '../process.ts';
import type { GatewayProcess } from '../process.ts';
import type { Outcome } from '../programs.ts';
import { fixedPort, Gate } from './gate.ts';
import type { Load } from './load.ts';
import type { LogAt, LogServers } from './log-servers.ts';
import type { Namespace } from './namespace.ts';

let tables = 0;

/** A name that no test before has used. */
export function newTable(): string {
  tables += 1;
  return `log_${tables}`;
}

export interface MemberOptions extends LogAt {
  readonly flags?: readonly string[];
  readonly secret?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** To the servers of the log and back. */
  readonly roundTripMs?: number;
  /** Where it runs, with links that can be cut. */
  readonly inside?: Namespace;
  /** Its own address; that of this machine's own network when left out. */
  readonly host?: string;
}

export class PairMember {
  readonly url: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #gates: readonly Gate[];
  readonly #flags: readonly string[];
  readonly #namespace: Namespace | undefined;
  #process: GatewayProcess | undefined;
  /** Of the processes before. */
  #before = '';

  private constructor(port: number, gates: readonly Gate[], logUrl: string, options: MemberOptions) {
    const { flags = [], secret, env = {}, inside } = options;
    const address = `${options.host ?? inside?.host ?? '127.0.0.1'}:${port}`;
    this.url = `http://${address}`;
    this.#gates = gates;
    this.#namespace = inside;
    this.#env = { ...env, PAG_STORAGE_LOG: logUrl };
    const secretFile = join(temporaryFolder(), 'secret');
    writeFileSync(secretFile, secret ?? 'the secret of a pair under test\n');
    const own = [
      `--web.listen-address=${address}`,
      `--cluster.advertise-url=${this.url}`,
      `--cluster.secret-file=${secretFile}`,
      // So that states are compared while things go wrong.
      '--cluster.digest-interval=1s',
    ].filter((flag) => !flags.some((given) => given.startsWith(flag.slice(0, flag.indexOf('=') + 1))));
    this.#flags = [...own, ...flags];
  }

  /** To be started. */
  static async of(servers: LogServers, options: MemberOptions): Promise<PairMember> {
    const { roundTripMs = 0, inside } = options;
    const host = inside?.logHost ?? '127.0.0.1';
    const gates = await Promise.all(servers.ports.map((port) => Gate.before(port, roundTripMs / 2, host)));
    onTestFinished(async () => void (await Promise.all(gates.map((gate) => gate.close()))));
    const logUrl = servers.logUrl((port) => `${host}:${gates[servers.ports.indexOf(port)]!.port}`, options);
    return new PairMember(await fixedPort(), gates, logUrl, options);
  }

  async start(): Promise<void> {
    this.#before += this.#process?.stderr() ?? '';
    const command: [string, ...string[]] = [process.execPath, builtMain()];
    const all = this.#namespace === undefined ? command : this.#namespace.command(command);
    this.#process = await startGateway(this.#flags, this.#env, all);
  }

  /** Where it ends by itself. */
  run(): Promise<Outcome> {
    return runGateway(this.#flags, this.#env);
  }

  /** What it has logged, over all starts. */
  get log(): string {
    return this.#before + (this.#process?.stderr() ?? '');
  }

  /** As far as it knows itself. */
  get leads(): boolean {
    const log = this.#process?.stderr() ?? '';
    return log.lastIndexOf('this member leads') > log.lastIndexOf('this member joins anew');
  }

  get exited(): Promise<number | null> {
    return this.#running.exited;
  }

  /** Once it knows that another one took over. */
  joinsAnew(): Promise<boolean> {
    return eventually(`${this.url} to join anew`, () => !this.leads, 60_000);
  }

  logs(text: string): Promise<boolean> {
    return eventually(`${this.url} to log: ${text}`, () => this.log.includes(text), 60_000);
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.signal(signal);
  }

  kill(): Promise<number | null> {
    return this.#running.stop('SIGKILL');
  }

  /** In order. */
  stop(): Promise<number | null> {
    return this.#running.stop();
  }

  /** From all servers of the log. */
  cutOff(): void {
    if (this.#namespace === undefined) for (const gate of this.#gates) gate.cut();
    else this.#namespace.cut('log');
  }

  reconnect(): void {
    if (this.#namespace === undefined) for (const gate of this.#gates) gate.heal();
    else this.#namespace.heal('log');
  }

  /** From now on, to the servers of the log and back. */
  set roundTripMs(ms: number) {
    for (const gate of this.#gates) gate.delayMs = ms / 2;
  }

  async isReady(): Promise<boolean> {
    const reply = await fetch(`${this.url}/-/ready`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined,
    );
    return reply?.ok === true;
  }

  ready(): Promise<boolean> {
    return eventually(`${this.url} to be ready`, () => this.isReady(), 60_000);
  }

  get #running(): GatewayProcess {
    if (this.#process === undefined) throw new Error('this member was not started');
    return this.#process;
  }
}

export class Pair {
  readonly members: readonly [PairMember, PairMember];

  private constructor(members: readonly [PairMember, PairMember]) {
    this.members = members;
  }

  /** The first one, which leads, may have more of its own. */
  static async start(
    servers: LogServers,
    options: Partial<MemberOptions> = {},
    ofFirst: Partial<MemberOptions> = {},
  ): Promise<Pair> {
    const all = { table: newTable(), ...options };
    // Once its members have ended.
    onTestFinished(() => servers.forget?.(all.table));
    const pair = new Pair([
      await PairMember.of(servers, { ...all, ...ofFirst }),
      await PairMember.of(servers, all),
    ]);
    for (const member of pair.members) await member.start();
    await pair.ready();
    return pair;
  }

  get urls(): readonly string[] {
    return this.members.map(({ url }) => url);
  }

  async ready(): Promise<void> {
    await Promise.all(this.members.map((member) => member.ready()));
  }

  get leader(): PairMember {
    const [one, other] = this.members;
    if (one.leads === other.leads) throw new Error(`${one.leads ? 'both' : 'none'} of the members lead`);
    return one.leads ? one : other;
  }

  other(member: PairMember): PairMember {
    return this.members.find((each) => each !== member)!;
  }

  leads(member: PairMember): Promise<boolean> {
    return eventually(`${member.url} to lead`, () => member.leads, 60_000);
  }

  /** That all that was answered 202 is in the page of both, which is the same, as their states were all the time. */
  async expectAll(load: Load): Promise<void> {
    await this.ready();
    for (const { url, log } of this.members)
      if (log.includes('from that of the leader')) throw new Error(`the state of ${url} differed: ${log}`);
    const [one, other] = await Promise.all(this.members.map(({ url }) => scrape(url)));
    load.expectIn(one!);
    expectSamePage(one!, other!);
  }
}

function expectSamePage(one: string, other: string): void {
  if (one !== other) throw new Error('the members show different pages');
}
