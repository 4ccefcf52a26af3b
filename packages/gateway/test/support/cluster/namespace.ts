/**
 * A network namespace of Linux, with two links to this one, each by a switch: a process in it is cut off as a machine is when a switch fails. What is
 * sent is lost, in both directions, and nobody is told.
 */
import { execFileSync } from 'node:child_process';
import process from 'node:process';

/** As far as the log, and as all others who are not in it. */
export type Link = 'log' | 'others';
const links: readonly Link[] = ['log', 'others'];

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

let made = 0;

export class Namespace {
  /** Of processes in it. */
  readonly host: string;
  /** Of this machine, as processes in it see it. */
  readonly outerHost: string;
  /** The same over the link that the log has to itself. */
  readonly logHost: string;
  readonly #name: string;
  readonly #atExit = (): void => this.remove();

  private constructor(name: string, net: number) {
    this.#name = name;
    // Of the range that is set aside for tests of networks.
    const addressOf = (link: Link, last: number): string => `198.18.${net}.${4 * links.indexOf(link) + last}`;
    this.host = addressOf('others', 2);
    this.outerHost = addressOf('others', 1);
    this.logHost = addressOf('log', 1);
    try {
      for (const each of [name, this.#switches]) ip('netns', 'add', each);
      ip('-n', name, 'link', 'set', 'lo', 'up');
      for (const link of links) {
        const outer = `${name}${link.slice(0, 1)}`;
        ip('-n', this.#switches, 'link', 'add', link, 'type', 'bridge');
        this.#connect(outer, `outer-${link}`, link);
        this.#connect(link, `inner-${link}`, link, name);
        ip('address', 'add', `${addressOf(link, 1)}/30`, 'dev', outer);
        ip('link', 'set', outer, 'up');
        ip('-n', name, 'address', 'add', `${addressOf(link, 2)}/30`, 'dev', link);
        ip('-n', name, 'link', 'set', link, 'up');
        this.heal(link);
      }
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** To be removed by who made it, once nothing runs in it. */
  static make(): Namespace {
    made += 1;
    const namespace = new Namespace(`pag${process.pid}x${made}`, (process.pid + made) % 256);
    process.once('exit', namespace.#atExit);
    return namespace;
  }

  command(command: readonly string[]): [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.#name, ...command];
  }

  cut(link: Link): void {
    ip('-n', this.#switches, 'link', 'set', link, 'down');
  }

  heal(link: Link): void {
    ip('-n', this.#switches, 'link', 'set', link, 'up');
  }

  remove(): void {
    process.off('exit', this.#atExit);
    // Links go with the namespace that one of their ends is in.
    for (const each of [this.#switches, this.#name])
      try {
        ip('netns', 'delete', each);
      } catch {
        // It was not made.
      }
  }

  get #switches(): string {
    return `${this.#name}s`;
  }

  /** A cable from a new interface, here or in a namespace, to a port of the switch. */
  #connect(end: string, port: string, link: Link, namespace?: string): void {
    const where = namespace === undefined ? [] : ['-n', namespace];
    ip(...where, 'link', 'add', end, 'type', 'veth', 'peer', 'name', port, 'netns', this.#switches);
    ip('-n', this.#switches, 'link', 'set', port, 'master', link, 'up');
  }
}

/** Why there can be none, for `skip`; empty where there can. */
export const withNamespaces: string = whyNot();

function whyNot(): string {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, to make a network namespace';
  try {
    Namespace.make().remove();
    return '';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT'
      ? 'needs ip (apt-get install iproute2)'
      : `needs network namespaces: ${message.split('\n').find((line) => !line.startsWith('Command')) ?? ''}`;
  }
}
