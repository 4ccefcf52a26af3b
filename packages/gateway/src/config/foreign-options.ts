/**
 * Options of other gateways that somebody who migrates may still have, with what to do about each. Those that keep strangers
 * out stop the start: without them the gateway would stand open where its operator believes it closed.
 */

interface ForeignOption {
  /** What stands in its place here. */
  readonly advice: string;
  /** Whether it guards access, so that its absence must not go unnoticed. */
  readonly guards?: true;
}

const access =
  'remove it, and use --web.config.file with TLS and basic_auth_users (see docs/guides/access.md)';

const flags: ReadonlyMap<string, ForeignOption> = new Map<string, ForeignOption>([
  // zapier's gateway.
  ['apiListen', { advice: 'use --web.listen-address' }],
  ['lifecycleListen', { advice: 'health checks and own metrics are on the same port, under /-/' }],
  ['AuthUsers', { advice: access, guards: true }],
  // Pushgateway.
  ['persistence.file', { advice: 'use --storage.path, which is a directory' }],
  ['persistence.interval', { advice: 'remove it; each push is synced to disk before it is acknowledged' }],
  ['push.disable-consistency-check', { advice: 'remove it' }],
  ['push.enable-utf8-names', { advice: 'remove it; UTF-8 names are always accepted' }],
  ['no-push.enable-utf8-names', { advice: 'remove it; UTF-8 names are always accepted' }],
  // gravel-gateway.
  ['basic-auth-file', { advice: access, guards: true }],
  ['tls-cert', { advice: access, guards: true }],
  ['tls-key', { advice: access, guards: true }],
]);

const variables: ReadonlyMap<string, ForeignOption> = new Map(
  ['apiListen', 'lifecycleListen', 'AuthUsers'].map((name) => [
    `PAG_${name.toUpperCase()}`,
    flags.get(name)!,
  ]),
);

/** What to say after the name of a flag that this gateway does not have; undefined where no other gateway has it either. */
export function foreignFlagAdvice(name: string): string | undefined {
  const option = [...flags].find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
  return option === undefined ? undefined : `; ${option.advice} (see docs/guides/migrating.md)`;
}

/** The problem with a variable of the environment that guards access elsewhere and would be ignored here. */
export function guardProblem(variable: string): string | undefined {
  const option = variables.get(variable);
  return option?.guards === true ? `${variable}: ${option.advice}` : undefined;
}

/** What to say after the name of a variable that is not read. */
export function foreignVariableAdvice(variable: string): string {
  const option = variables.get(variable);
  return option === undefined ? 'see --help for those that are' : option.advice;
}
