import { interval, duration, option, problemUnless, single } from '../options/kinds.ts';
import { withDefaults } from '../options/option.ts';
import type { FlagName, Option, OptionTable } from '../options/option.ts';
import type { Parsed } from '../primitives/duration.ts';

/** Of a member of a cluster: gateways that share one log. Each field has a row in the table below. */
export interface ClusterOptions {
  /** Of the log, with a password in it: see `shownLogUrl`. Undefined for a gateway by itself. */
  readonly logUrl: string | undefined;
  /** Where other members reach this one, without a path. */
  readonly advertiseUrl: string | undefined;
  readonly secretFile: string | undefined;
  /** Undefined for that of `memberName`. */
  readonly name: string | undefined;
  /** Of a leader that is silent, before another member takes over. */
  readonly leaseMs: number;
  /** Of requests, while nobody leads. */
  readonly holdMs: number;
  /** Between two comparisons of the members' states. */
  readonly digestIntervalMs: number;
}

export const clusterOptionTable: OptionTable<ClusterOptions> = {
  logUrl: optional('storage.log', {
    placeholder: 'url',
    help: 'URL of a log that several gateways share, one of which leads while the others stand by: postgres://user:password@host/database, or nats://host:4222. Set it in the environment where it has a password. If empty, this gateway runs by itself.',
    parse: parseLogUrl,
  }),
  advertiseUrl: optional('cluster.advertise-url', {
    placeholder: 'url',
    help: 'URL at which the other members of the cluster reach this one directly, such as http://10.0.0.1:9091. Required with --storage.log.',
    parse: parseAdvertiseUrl,
  }),
  secretFile: optional('cluster.secret-file', {
    placeholder: 'file',
    help: 'File with a secret of at least 16 characters, the same for all members of the cluster. Members prove with it that they pass on what they have let in. Required with --storage.log.',
    parse: (text) => ({ value: text }),
  }),
  name: optional('cluster.name', {
    placeholder: 'name',
    help: 'Name of this member, which no other member has and which stays the same over restarts. If empty, the host and port of --cluster.advertise-url.',
    parse: parseName,
  }),
  leaseMs: interval({
    flag: 'cluster.lease',
    default: 3_000,
    help: 'How long the leader may be silent before another member takes over.',
  }),
  holdMs: duration({
    flag: 'cluster.hold',
    default: 10_000,
    help: 'How long to hold pushes, deletes and scrapes while no member leads or the leader cannot be reached. Then they are answered 503.',
  }),
  digestIntervalMs: interval({
    flag: 'cluster.digest-interval',
    default: 600_000,
    help: 'How often the other members compare a digest of their state with the leader, if anything was pushed meanwhile.',
  }),
};

export const defaultClusterOptions: ClusterOptions = withDefaults(clusterOptionTable);

/** What this member is called. */
export function memberName({ name, advertiseUrl }: Pick<ClusterOptions, 'name' | 'advertiseUrl'>): string {
  return name ?? (advertiseUrl === undefined ? '' : new URL(advertiseUrl).host);
}

/** A text, or undefined, which is written as nothing. */
function optional(
  flag: FlagName,
  {
    placeholder,
    help,
    parse,
  }: {
    readonly placeholder: string;
    readonly help: string;
    readonly parse: (text: string) => Parsed<string>;
  },
): Option<string | undefined> {
  return option(
    { flag, help },
    {
      placeholder,
      parse: single((text): Parsed<string | undefined> => (text === '' ? { value: undefined } : parse(text))),
      problemWith: (value) => (value === undefined ? undefined : problemUnless('string')(value)),
      defaultText: '',
      defaultFor: () => undefined,
    },
  );
}

/** Several hosts may be named, as in `a:4222,b:4222`, which is no URL for others. */
const logUrl = /^(postgres(?:ql)?|nats):\/\/(?:[^/?#\s]*@)?([^/?#@\s]+)(\/[^?#@\s]*)?(?:\?[^#\s]*)?$/;

/** Of what is wrong, nothing is shown: there may be a password in it. */
function parseLogUrl(text: string): Parsed<string> {
  if (logUrl.test(text)) return { value: text };
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  if (scheme !== undefined && !/^(?:postgres(?:ql)?|nats)$/.test(scheme))
    return { problem: `a log at ${scheme}:// is not supported; use postgres:// or nats://` };
  return {
    problem:
      'not the URL of a log; write it like postgres://user:password@host/database or nats://host:4222, and escape @, /, ? and # in the user and password as %40, %2F, %3F and %23',
  };
}

/** The URL of a log as it may be logged: without user, password and parameters. */
export function shownLogUrl(url: string): string {
  const [, scheme = 'log', hosts = '', path = ''] = logUrl.exec(url) ?? [];
  return `${scheme}://${hosts}${path}`;
}

function parseAdvertiseUrl(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (!isPlain)
    return {
      problem: `${JSON.stringify(withoutUser(text))} is not the URL of a member; write scheme, host and port alone, like http://10.0.0.1:9091`,
    };
  if (/^(?:0\.0\.0\.0|\[::\])$/.test(url.hostname))
    return { problem: `${url.hostname} is no address at which other members could reach this one` };
  return { value: url.origin };
}

function withoutUser(text: string): string {
  return text.replace(/\/\/.*@/, '//***@');
}

function parseName(text: string): Parsed<string> {
  if (/^[\w.:-]{1,64}$/.test(text)) return { value: text };
  return {
    problem: `${JSON.stringify(text)} is not a name; use 1 to 64 letters, digits and any of . _ : -`,
  };
}
