/** The web configuration file on disk: read at the start, and again whenever it or a file that it names has changed. */
import { stat } from 'node:fs/promises';

import { readWebConfig } from './access/read-web-config.ts';
import type { WebConfigRead } from './access/read-web-config.ts';
import type { Access } from './access/access.ts';
import type { WebConfig } from './access/web-config.ts';
import type { ConfigReport } from './gateway/telemetry/telemetry.ts';
import type { Clock } from './primitives/clock.ts';
import type { Log } from './primitives/log.ts';

/** How often files are looked at. Watching them is not the same everywhere, least of all where they are links that change. */
const LOOK_EVERY_MS = 1_000;

export class WebConfigFile {
  /** What the file said at the start. */
  readonly config: WebConfig;
  /** Called with what holds from now on. */
  onReload: ((config: WebConfig) => void) | undefined;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #files: readonly string[];
  /** What the files were when they were last read. */
  #seen: string;
  #report: ConfigReport;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #access: Access | undefined;

  private constructor(
    { path, clock, log }: WebConfigDeps,
    config: WebConfig,
    { files, seen }: { readonly files: readonly string[]; readonly seen: string },
  ) {
    this.config = config;
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
    this.#files = files;
    this.#seen = seen;
    this.#report = { isSuccess: true, lastSuccessMs: clock.now() };
  }

  /** Resolves with messages where the file cannot be used. */
  static async open(deps: WebConfigDeps): Promise<WebConfigFile | readonly string[]> {
    const { config, errors, warnings, ...looked } = await readSettled(deps.path, []);
    for (const warning of warnings) deps.log.warn(warning);
    if (config === undefined) return errors;
    return new WebConfigFile(deps, config, looked);
  }

  /** From here on what the file says holds there, and so does what it will say. */
  keep(access: Access): void {
    this.#access = access;
    access.config = this.config;
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  get report(): ConfigReport {
    return this.#report;
  }

  /** Reads the file again if anything has changed. Does not reject: a file that cannot be used changes nothing, and is logged. */
  async look(): Promise<void> {
    if (this.#isLooking || this.#access === undefined) return;
    this.#isLooking = true;
    try {
      if ((await lookOf(this.#files)) !== this.#seen) await this.#read(this.#access);
    } finally {
      this.#isLooking = false;
    }
  }

  async #read(access: Access): Promise<void> {
    const { config, errors, warnings, files, seen } = await readSettled(this.#path, this.#files);
    this.#files = files;
    this.#seen = seen;
    for (const warning of warnings) this.#log.warn(warning);
    for (const error of errors) this.#log.error(error);
    if (config === undefined) {
      this.#failed('the web configuration file is invalid, and the previous one stays in force');
      return;
    }
    if ((config.tls === undefined) !== (access.config.tls === undefined)) {
      this.#failed(
        'TLS is switched on or off by a restart alone; the previous web configuration stays in force',
      );
      return;
    }
    if (config.users.size === 0 && access.config.users.size > 0) {
      // The file may be half written, and then everybody could come in.
      this.#failed(
        'no user is left, and passwords are switched off by a restart alone; the previous web configuration stays in force',
      );
      return;
    }
    access.config = config;
    this.#report = { isSuccess: true, lastSuccessMs: this.#clock.now() };
    this.#log.info('web configuration file reloaded', { path: this.#path });
    this.onReload?.(config);
  }

  #failed(message: string): void {
    this.#report = { ...this.#report, isSuccess: false };
    this.#log.error(message, { path: this.#path });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

interface WebConfigDeps {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Settled extends Omit<WebConfigRead, 'files'> {
  readonly files: readonly string[];
  readonly seen: string;
}

/** Reads the file, after a look at all that it names: what changes while it is read is seen to have changed by the next look. */
async function readSettled(path: string, known: readonly string[]): Promise<Settled> {
  for (let files: readonly string[] = [path, ...known.filter((file) => file !== path)]; ;) {
    const seen = await lookOf(files);
    const { files: named, ...read } = await readWebConfig(path);
    const areSeen = named.every((file) => files.includes(file));
    // Of a file that is wrong it is not known which files it names.
    const all = read.config === undefined ? [...new Set([...files, ...named])] : named;
    if (areSeen) return { ...read, files, seen };
    files = all;
  }
}

/** What changes when a file does, and when it is another one. */
async function lookOf(files: readonly string[]): Promise<string> {
  const looks = await Promise.all(
    files.map(async (file) => {
      try {
        const { mtimeMs, ino, size } = await stat(file);
        return `${mtimeMs} ${ino} ${size}`;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? '';
      }
    }),
  );
  return looks.join('\n');
}
