/**
 * PostgreSQL servers of Debian's package: one that takes writes and standbys of it, each a process of its own in a temporary folder. What the
 * tests do to them is what happens to real ones: they are killed, stopped, promoted, and lose their disks.
 */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

import type { LogAt, LogServers } from './cluster/log-servers.ts';
import { eventually } from './eventually.ts';
import { findProgram } from './programs.ts';

const packages = '/usr/lib/postgresql';
const START_MS = 60_000;

/** The folder of the newest version that is installed, or that of another one: its `initdb` and `postgres`. */
const programs: string | undefined = process.env['POSTGRES_BIN'] ?? versions().at(-1);
/** Why there is none, for `skip`; empty where there is. */
export const withPostgres: string =
  programs === undefined ? 'needs PostgreSQL (apt-get install postgresql)' : '';

function versions(): readonly string[] {
  try {
    const found = readdirSync(packages).sort((a, b) => Number(a) - Number(b));
    return found
      .map((version) => join(packages, version, 'bin'))
      .filter((folder) => readdirSync(folder).includes('initdb'));
  } catch {
    return [];
  }
}

/** It refuses to run as root. */
export function notRoot(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (what: '-u' | '-g'): number =>
    Number(execFileSync('id', [what, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

export const password = 'secret of tests: /@?#%';
const ownUser = `gateway:${encodeURIComponent(password)}`;

export interface PostgresServer {
  readonly name: string;
  readonly port: number;
  /** What it logged since it was started first. */
  log(): string;
  isRunning(): boolean;
  start(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** kill -9 of all its processes. */
  kill(): Promise<void>;
  /** All its processes stop where they are (SIGSTOP), or go on. */
  freeze(): void;
  thaw(): void;
  /** As the superuser, over a connection of its own. */
  query<Row extends object>(sql: string, database?: string): Promise<readonly Row[]>;
}

export interface Postgres extends LogServers {
  /** All of them, the first being the one that takes writes to begin with. */
  readonly servers: readonly PostgresServer[];
  /** The one that takes writes, as far as these functions made it so. */
  readonly primary: PostgresServer;
  /** Of all of them, as the user `gateway`, which may make tables in the database `gateway` and no more. */
  readonly url: string;
  /** Of this one alone. */
  urlOf(server: PostgresServer): string;
  /** Makes the standby the one that takes writes; the others that run follow it. That the old one is gone is up to the caller. */
  promote(server: PostgresServer): Promise<void>;
  /** Begins a server anew, as a standby with an empty disk. */
  rejoin(server: PostgresServer): Promise<void>;
  /** Waits until so many standbys follow. */
  followed(standbys: number): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Each commit waits for one of them. */
  readonly standbys?: number;
  /** Lines of postgresql.conf. */
  readonly settings?: readonly string[];
}

export async function startPostgres({
  standbys = 0,
  settings = [],
}: PostgresOptions = {}): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-postgres-'));
  const owner = notRoot();
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  const servers: Server[] = [];
  for (let i = 0; i <= standbys; i += 1)
    servers.push(new Server(folder, `server_${i + 1}`, await freePort()));
  const cluster = new Servers(servers, removeFolder);
  try {
    await cluster.begin(settings);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

class Servers implements Postgres {
  readonly servers: readonly Server[];
  readonly #removeFolder: () => void;
  primary: Server;

  constructor(servers: readonly Server[], removeFolder: () => void) {
    this.servers = servers;
    this.primary = servers[0]!;
    this.#removeFolder = removeFolder;
  }

  async begin(settings: readonly string[]): Promise<void> {
    const { primary } = this;
    await primary.initialize(settings);
    await primary.start();
    await primary.query(`CREATE ROLE gateway LOGIN PASSWORD '${password}'`);
    await primary.query('CREATE DATABASE gateway OWNER gateway');
    const standbys = this.servers.slice(1);
    for (const standby of standbys) await standby.copy(primary.port);
    await Promise.all(standbys.map((standby) => standby.start()));
    if (standbys.length === 0) return;
    // Each knows it, as each may be promoted.
    for (const server of this.servers)
      server.set('synchronous_standby_names', `ANY 1 (${this.servers.map(({ name }) => name).join(', ')})`);
    await this.followed(standbys.length);
  }

  get url(): string {
    return urlWith(this.servers.map(({ port }) => `127.0.0.1:${port}`).join(','));
  }

  urlOf({ port }: PostgresServer): string {
    return urlWith(`127.0.0.1:${port}`);
  }

  get ports(): readonly number[] {
    return this.servers.map(({ port }) => port);
  }

  logUrl(addressOf: (port: number) => string, { table, as = ownUser, database = 'gateway' }: LogAt): string {
    return `postgres://${as}@${this.ports.map(addressOf).join(',')}/${database}?table=${table}`;
  }

  async promote(server: PostgresServer): Promise<void> {
    await server.query('SELECT pg_promote()');
    this.primary = this.#own(server);
    for (const other of this.servers)
      if (other !== this.primary && other.isRunning()) other.follow(server.port);
  }

  async rejoin(server: PostgresServer): Promise<void> {
    const own = this.#own(server);
    if (own.isRunning()) await own.kill();
    await own.copy(this.primary.port);
    await own.start();
  }

  async followed(standbys: number): Promise<void> {
    await eventually(
      `${standbys} standbys to follow`,
      async () => {
        const rows = await this.primary.query<{ count: string }>(
          "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'quorum'",
        );
        return Number(rows[0]?.count) >= standbys;
      },
      START_MS,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
    this.#removeFolder();
  }

  #own(server: PostgresServer): Server {
    return this.servers.find((each) => each === server)!;
  }
}

class Server implements PostgresServer {
  readonly name: string;
  readonly port: number;
  readonly #data: string;
  readonly #passwordFile: string;
  #process: ChildProcess | undefined;
  #log = '';
  readonly #atExit = (): void => this.#killAll();

  constructor(folder: string, name: string, port: number) {
    this.name = name;
    this.port = port;
    this.#data = join(folder, name);
    this.#passwordFile = join(folder, 'password');
    writeFileSync(this.#passwordFile, `${password}\n`);
  }

  log(): string {
    return this.#log;
  }

  isRunning(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async initialize(settings: readonly string[]): Promise<void> {
    const flags = '-U postgres -E UTF8 --locale=C --auth=scram-sha-256 --no-sync'.split(' ');
    await this.#run('initdb', ['-D', this.#data, ...flags, `--pwfile=${this.#passwordFile}`]);
    const own = [
      "listen_addresses = '127.0.0.1'",
      "unix_socket_directories = ''",
      'shared_buffers = 16MB',
      'max_connections = 60',
      'wal_keep_size = 512MB',
      'wal_retrieve_retry_interval = 200ms',
    ];
    appendFileSync(join(this.#data, 'postgresql.conf'), [...own, ...settings, ''].join('\n'));
  }

  /** As a standby of the server at this port. */
  async copy(port: number): Promise<void> {
    rmSync(this.#data, { recursive: true, force: true });
    const flags = ['-X', 'stream', '-c', 'fast', '--no-sync', '-R'];
    await this.#run('pg_basebackup', ['-D', this.#data, ...flags, '-d', this.#connectionTo(port)]);
    this.#write('primary_conninfo', this.#connectionTo(port));
  }

  async start(): Promise<void> {
    const child = spawn(join(programs!, 'postgres'), ['-D', this.#data, '-p', String(this.port)], {
      ...notRoot(),
      cwd: this.#data,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    process.once('exit', this.#atExit);
    child.once('exit', () => process.off('exit', this.#atExit));
    await eventually(
      `${this.name} to start`,
      async () => {
        if (!this.isRunning()) throw new Error(`${this.name} ended:\n${this.#log}`);
        return this.query('SELECT 1').then(
          () => true,
          () => false,
        );
      },
      START_MS,
    );
  }

  async stop(): Promise<void> {
    await this.#ended(() => this.#process?.kill('SIGINT'));
  }

  async kill(): Promise<void> {
    await this.#ended(() => this.#killAll());
  }

  freeze(): void {
    for (const pid of this.#pids()) process.kill(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.#pids()) process.kill(pid, 'SIGCONT');
  }

  async query<Row extends object>(sql: string, database = 'postgres'): Promise<readonly Row[]> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      password,
      database,
      ssl: false,
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** In force at once, where it can be. */
  set(name: string, value: string): void {
    this.#write(name, value);
    this.#process?.kill('SIGHUP');
  }

  follow(port: number): void {
    this.set('primary_conninfo', this.#connectionTo(port));
  }

  #write(name: string, value: string): void {
    appendFileSync(join(this.#data, 'postgresql.auto.conf'), `${name} = '${value.replaceAll("'", "''")}'\n`);
  }

  #connectionTo(port: number): string {
    return `host=127.0.0.1 port=${port} user=postgres password='${password}' application_name=${this.name}`;
  }

  async #ended(end: () => void): Promise<void> {
    const child = this.#process;
    if (child === undefined || !this.isRunning()) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    end();
    await exited;
  }

  /** The first alone would leave others to notice, and to go on until then. */
  #killAll(): void {
    if (!this.isRunning()) return;
    this.#process?.kill('SIGSTOP');
    for (const pid of this.#pids().reverse()) process.kill(pid, 'SIGKILL');
  }

  #pids(): number[] {
    const pid = this.#process?.pid;
    if (pid === undefined || !this.isRunning()) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return [pid, ...children.split(' ').filter(Boolean).map(Number)];
  }

  async #run(name: string, args: readonly string[]): Promise<void> {
    // A release that was unpacked aside may lack some; those of others serve as well.
    const folder = [programs!, ...versions()].find((each) => existsSync(join(each, name)));
    if (folder === undefined) throw new Error(`there is no ${name}`);
    const child = spawn(join(folder, name), args, {
      ...notRoot(),
      cwd: tmpdir(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`${name} ended with ${String(code)}:\n${stderr}`);
  }
}

/** Why there is no pooler, for `skip`; empty where there is. */
export const withPgbouncer: string =
  findProgram('pgbouncer') === undefined ? 'needs PgBouncer (apt-get install pgbouncer)' : '';

export interface Pgbouncer {
  readonly url: string;
  log(): string;
  stop(): Promise<void>;
}

/** A pooler in front of a server, which gives each transaction another session of a few. */
export async function startPgbouncer(server: PostgresServer): Promise<Pgbouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-pgbouncer-'));
  const port = await freePort();
  const [users, config] = [join(folder, 'users'), join(folder, 'config')];
  writeFileSync(users, `"gateway" "${password}"\n`);
  writeFileSync(
    config,
    [
      '[databases]',
      `* = host=127.0.0.1 port=${server.port}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      'pool_mode = transaction',
      'default_pool_size = 3',
      'server_login_retry = 1',
      '',
    ].join('\n'),
  );
  const owner = notRoot();
  if (owner.uid !== undefined)
    for (const path of [folder, users, config]) chownSync(path, owner.uid, owner.gid!);
  const child = spawn(findProgram('pgbouncer')!, [config], {
    ...owner,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  await eventually('pgbouncer to listen', () => {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended:\n${log}`);
    return log.includes('process up');
  });
  return {
    url: urlWith(`127.0.0.1:${port}`),
    log: () => log,
    stop: async () => {
      process.off('exit', kill);
      kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function urlWith(hosts: string): string {
  return `postgres://${ownUser}@${hosts}/gateway`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
