/** Members with real gateways on a log in memory that can lose its last blocks, on virtual time. */
import { refoundBy } from '../../../src/cluster/refound-order.ts';
import { Member } from '../../../src/cluster/member.ts';
import type { MemberGateway } from '../../../src/cluster/member.ts';
import type { SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { embed } from '../../../src/embed.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { Log } from '../../../src/primitives/log.ts';
import { Random } from '../../cluster/simulation/random.ts';
import { VirtualProcess, VirtualTime } from '../../cluster/simulation/virtual-time.ts';
import { samplesOf } from '../http.ts';
import { MemoryEngine, MemoryLog } from '../memory-log.ts';

const WALL_MS = 1_700_000_000_000;
/** Between two comparisons of states. */
const DIGEST_MS = 4_000;

type Embedded = ReturnType<typeof embed>;
interface Kept extends MemberGateway {
  readonly of: Embedded;
}

export interface VirtualMember {
  readonly member: Member<Kept>;
  readonly process: VirtualProcess;
  /** What it has logged above `info`. */
  readonly said: string[];
  /** Why it must not lead. */
  whyNotLead: string | undefined;
}

/** What became of a push: `counted`, or the code of the error. */
type Pushed = string;

export class VirtualCluster {
  readonly time = new VirtualTime();
  readonly engine = new MemoryEngine();
  readonly #random: Random;
  readonly members: VirtualMember[] = [];

  constructor(seed = 1) {
    this.#random = new Random(seed);
    this.engine.nowMs = () => this.time.nowMs;
  }

  start(
    name: string,
    log: SharedLog = new MemoryLog(this.engine),
    { level }: { readonly level?: number } = {},
  ): VirtualMember {
    const process = new VirtualProcess(this.time, this.#random);
    const said: string[] = [];
    const say = (message: string): void => void said.push(message);
    const messages: Log = { debug() {}, info() {}, warn: say, error: say };
    const clock = { now: () => WALL_MS + this.time.nowMs, elapsed: () => this.time.nowMs };
    const create = (journal: Journal): Kept => {
      const of = embed({ clock, log: messages }, journal);
      return {
        of,
        open: async () => void (await of.gateway.open(Number.POSITIVE_INFINITY)),
        fail: (why) => of.gateway.fail(why),
        takeSnapshot: () => of.gateway.snapshots.take(),
        close: () => of.gateway.close(),
        ledgerMs: () => of.gateway.ledgerMs(),
        whyNotLead: async () => started.whyNotLead,
        digest: async (begun) => (await of.gateway.digest(begun)).digest,
      };
    };
    const member: Member<Kept> = new Member({
      level,
      log,
      timing: process,
      name,
      self: { cluster: 'one', url: `http://${name}` },
      leaseMs: 3_000,
      holdMs: 10_000,
      digestIntervalMs: DIGEST_MS,
      version: '1',
      messages,
      create,
      randomBytes: (count) => this.#random.bytes(count),
      onFatal: (error) => void said.push(`fatal: ${error.message}`),
    });
    const started: VirtualMember = { member, process, said, whyNotLead: undefined };
    member.start();
    this.members.push(started);
    return started;
  }

  kill({ member, process }: VirtualMember): void {
    process.kill();
    member.abandon();
  }

  end(): void {
    for (const each of this.members) this.kill(each);
  }

  /** In steps, as reading a log takes turns of the event loop. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) await this.time.pass(Math.min(left, 50));
  }

  /** Lets time pass until it has come to its end. */
  async until<T>(promise: Promise<T>, ms = 30_000): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    promise.then(over, over);
    for (let left = ms; left > 0 && !isOver; left -= 50) await this.time.pass(50);
    if (!isOver) throw new Error(`nothing has come of it in ${ms} ms`);
    return promise;
  }

  /** That may be answered late, or never. */
  push({ member }: VirtualMember, series: string, key?: string): Promise<Pushed> {
    return member.current.of.embedded
      .push(
        `# TYPE ${series.replace(/\{.*/, '')} counter\n${series} 1\n`,
        key === undefined ? {} : { idempotencyKey: key },
      )
      .then(
        () => 'counted',
        (error: { readonly code?: string; readonly message: string }) => error.code ?? error.message,
      );
  }

  scrape({ member }: VirtualMember): Promise<ReadonlyMap<string, number>> {
    return this.until(member.current.of.embedded.scrape().then(samplesOf));
  }

  /** What the command says, and its exit code. */
  async refound(
    member?: string,
    { force = false, log = new MemoryLog(this.engine) as SharedLog } = {},
  ): Promise<{ readonly code: number; readonly text: string; readonly lines: readonly string[] }> {
    const lines: string[] = [];
    const timing = new VirtualProcess(this.time, this.#random);
    const done = refoundBy(log, { member, force }, (line) => void lines.push(line), timing);
    return { ...(await this.until(done, 700_000)), lines };
  }
}
