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

const proxy =
  'this gateway has no TLS and no passwords yet; put a proxy that has them in front, and remove it';

const flags: ReadonlyMap<string, ForeignOption> = new Map<string, ForeignOption>([
  // zapier's gateway.
  ['apiListen', { advice: 'use --web.listen-address' }],
  ['lifecycleListen', { advice: 'health and own metrics are on the same port, below /-/' }],
  ['AuthUsers', { advice: proxy, guards: true }],
  // Pushgateway.
  ['web.config.file', { advice: proxy, guards: true }],
  ['web.systemd-socket', { advice: 'use --web.listen-address' }],
  ['web.external-url', { advice: 'not needed; links of the start page are relative' }],
  ['web.route-prefix', { advice: 'use --web.push-path and --web.telemetry-path, or let the proxy strip it' }],
  ['web.enable-lifecycle', { advice: 'stop it by SIGTERM' }],
  ['web.enable-admin-api', { advice: 'to wipe it, stop it and move the folder of --storage.path away' }],
  ['persistence.file', { advice: 'use --storage.path, which is a folder' }],
  ['persistence.interval', { advice: 'leave it out; each push is on disk before it is answered' }],
  ['push.disable-consistency-check', { advice: 'leave it out' }],
  ['push.enable-utf8-names', { advice: 'leave it out; UTF-8 names are always read' }],
  ['no-push.enable-utf8-names', { advice: 'leave it out; UTF-8 names are always read' }],
  // gravel-gateway.
  ['basic-auth-file', { advice: proxy, guards: true }],
  ['tls-cert', { advice: proxy, guards: true }],
  ['tls-key', { advice: proxy, guards: true }],
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
  return option === undefined ? '--help lists those that are' : option.advice;
}
