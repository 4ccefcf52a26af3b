/** A process of a cluster put together: the same parts around a gateway that is another one after each time that it was overtaken. */
import { createHmac, randomBytes } from 'node:crypto';

import { assembleAround, gatewayOf } from './assemble.ts';
import type { Around, Parts } from './assemble.ts';
import { CurrentGateway } from './cluster/current-gateway.ts';
import { defaultForwardBounds, Forwarder } from './cluster/forward/forwarder.ts';
import { Seal } from './cluster/forward/seal.ts';
import type { Leader } from './cluster/log/block.ts';
import type { SharedLog } from './cluster/log/shared-log.ts';
import { Member } from './cluster/member.ts';
import type { MemberGateway } from './cluster/member.ts';
import { realTiming } from './cluster/timing.ts';
import type { Timing } from './cluster/timing.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { Telemetry } from './gateway/telemetry/telemetry.ts';
import type { Journal } from './journal/journal.ts';
import type { StorageOptions } from './journal/options.ts';
import { RequestError } from './model/errors.ts';
import { withoutTokens } from './primitives/hide-tokens.ts';
import { noRules } from './rules/rules.ts';
import { version } from './version.ts';

interface ClusterParts {
  readonly log: SharedLog;
  /** That all members share. */
  readonly secret: string;
  /** Of this member, by which the others tell what it passes on from what others do. */
  readonly name: string;
  /** Where the other members reach this one. */
  readonly advertiseUrl: string;
  readonly leaseMs: number;
  readonly holdMs: number;
  /** Real time when left out. */
  readonly timing?: Timing;
  readonly digestIntervalMs: number;
}

export interface MemberAssembly extends Around<CurrentGateway> {
  readonly member: Member<KeptGateway>;
  readonly forwarder: Forwarder;
  /** To be closed last. */
  readonly log: SharedLog;
}

interface KeptGateway extends MemberGateway {
  readonly gateway: Gateway;
}

/** To be started by `member.start()`. */
export function assembleMember(
  given: Parts & {
    readonly cluster: ClusterParts;
    readonly storage: StorageOptions;
    readonly onFatal: (error: Error) => void;
  },
): MemberAssembly {
  const { cluster, storage, onFatal, ...others } = given;
  const parts = { ...others, log: withoutTokens(given.log) };
  let telemetry: Telemetry | undefined;
  const create = (journal: Journal): KeptGateway => {
    const gateway = gatewayOf({ ...parts, rules: current.own.rules, journal, own: () => current.own });
    gateway.telemetry = telemetry;
    return kept(gateway, storage);
  };
  const current: CurrentGateway = new CurrentGateway(
    () => ({
      current: member.current.gateway,
      isLeading: member.isLeading,
      close: () => member.close(),
    }),
    { rules: parts.rules ?? noRules, file: parts.file },
  );
  const member: Member<KeptGateway> = new Member({
    name: cluster.name,
    log: cluster.log,
    timing: cluster.timing ?? realTiming,
    self: {
      cluster: fingerprint(cluster.secret),
      url: cluster.advertiseUrl,
    },
    leaseMs: cluster.leaseMs,
    holdMs: cluster.holdMs,
    digestIntervalMs: cluster.digestIntervalMs,
    version,
    messages: parts.log,
    create,
    randomBytes: (count) => randomBytes(count),
    onFatal,
    onCommit: (seconds) => telemetry?.committed(seconds),
  });
  const seal = new Seal(cluster.secret);
  const forwarder = forwarderOf(parts, cluster, { seal, leader: () => member.leader });
  member.onChange(() => forwarder.leaderChanged());
  const around: Around<CurrentGateway> = assembleAround(
    current,
    { ...parts, storage },
    {
      watch(made) {
        telemetry = made;
        member.current.gateway.telemetry = made;
      },
      whyNotReady: () => whyNotReady(member, cluster),
      cluster: { name: cluster.name, leads: () => member.isLeading, forwarder, seal },
      clusterReport: () => ({
        leads: member.isLeading,
        block: member.blockNumber,
        silentMs: member.silentMs,
        configDiffers: member.role !== 'joining' && member.current.gateway.choice?.differs === true,
        overtaken: member.timesOvertaken,
        members: member.roll.members,
        level: member.level,
        digestsCompared: member.digestsCompared,
        stateDiffers: member.stateDiffers,
        requestsHeld: forwarder.report.held,
      }),
    },
  );
  return { ...around, member, forwarder, log: cluster.log };
}

function kept(gateway: Gateway, storage: StorageOptions): KeptGateway {
  return {
    gateway,
    open: async () => void (await gateway.open(storage.snapshotIntervalMs, storage)),
    fail: (why) => gateway.fail(why),
    takeSnapshot: () => gateway.snapshots.take(),
    close: () => gateway.close(),
    ledgerMs: () => gateway.ledgerMs(),
    whyNotLead: async () => gateway.choice?.whyNone(),
    digest: async (begun) => (await gateway.digest(begun)).digest,
  };
}

function forwarderOf(
  { clock, httpOptions, log }: Parts,
  { name, holdMs }: ClusterParts,
  { seal, leader }: { readonly seal: Seal; readonly leader: () => Leader | undefined },
): Forwarder {
  return new Forwarder({
    member: name,
    // Grows with each start, unless the clock is set back by then; who looks older is refused, and says so.
    incarnation: clock.now(),
    seal,
    leader() {
      const url = leader()?.url;
      return url === undefined ? undefined : new URL(url);
    },
    bounds: {
      ...defaultForwardBounds,
      holdMs,
      heldBytesMax: Math.floor(httpOptions.bodiesBytesMax / 2),
    },
    log,
  });
}

/** Shows nothing of the secret, and which it is not either: it is of a text that is used for nothing else. */
function fingerprint(secret: string): string {
  return createHmac('sha256', secret)
    .update('prom-aggregation-gateway cluster')
    .digest('base64url')
    .slice(0, 16);
}

/** It is ready while it leads and the log answers, or hears from who does. */
function whyNotReady(member: Member<KeptGateway>, { holdMs }: ClusterParts): RequestError | undefined {
  const { role, problem, silentMs } = member;
  const isMisplaced = member.isLogShort || (!member.isLeading && (member.isOfAnother || member.hasOwnUrl));
  if (role === 'joining')
    return new RequestError(
      'shutting_down',
      problem ?? 'this member reads the log of the cluster; retry later',
    );
  if (silentMs <= holdMs && !isMisplaced) return undefined;
  const why = member.isLeading
    ? 'the log of the cluster does not answer this member, which leads, or has led; retry later'
    : 'nobody leads the cluster, and this member could not take over; retry later';
  return new RequestError('overloaded', problem ?? why);
}
