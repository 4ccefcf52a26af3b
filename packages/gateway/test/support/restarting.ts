import { embed } from '../../src/embed.ts';
import type {
  Deleted,
  DeleteRequest,
  GatewayApi,
  ListRequest,
  SeriesStatistics,
} from '../../src/gateway/api.ts';
import type { EmbeddedGateway, EmbeddedOptions } from '../../src/index.ts';
import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import { KeptJournal } from './kept-journal.ts';

/** Snapshots are taken when a test asks for one. A timer would keep each gateway that a test leaves behind. */
const SNAPSHOT_INTERVAL_MS = Number.POSITIVE_INFINITY;

/** A gateway that can be taken down and started again, with what its journal kept. */
export class RestartingGateway {
  /** Without rules. */
  #options: EmbeddedOptions;
  /** Those of the options, or set since, which are there after a restart with options that have none as well. */
  #rules: string | object | undefined;
  #areSet = false;
  #journal: KeptJournal;
  #gateway: ReturnType<typeof embed>;

  private constructor(options: EmbeddedOptions, journal: KeptJournal) {
    ({ rules: this.#rules, ...this.#options } = options);
    this.#journal = journal;
    this.#gateway = embed(options, journal);
  }

  static async start(options: EmbeddedOptions): Promise<RestartingGateway> {
    const started = new RestartingGateway(options, new KeptJournal());
    await started.#gateway.gateway.open(SNAPSHOT_INTERVAL_MS);
    return started;
  }

  /** The one that runs now; another one after each restart. */
  get gateway(): EmbeddedGateway {
    return this.#gateway.embedded;
  }

  /** As after a crash: nothing is said to the gateway that goes. Another mode is accepted unless told. */
  async restart(options?: EmbeddedOptions, { acceptModeChange = true } = {}): Promise<void> {
    void this.gateway.close();
    if (options !== undefined) {
      const { rules = this.#areSet ? this.#rules : undefined, ...others } = options;
      this.#options = others;
      this.#rules = rules;
    }
    this.#journal = this.#journal.reopened();
    this.#gateway = embed(
      this.#rules === undefined ? this.#options : { rules: this.#rules, ...this.#options },
      this.#journal,
    );
    await this.#gateway.gateway.open(SNAPSHOT_INTERVAL_MS, { acceptModeChange });
  }

  /** How many there are. */
  get sources(): number {
    return this.#gateway.gateway.holdings().sources;
  }

  /** For the next push, and after a restart as well. */
  async setRules(rules: string | object): Promise<void> {
    await this.gateway.setRules(rules);
    this.#rules = rules;
    this.#areSet = true;
  }

  /** As if an earlier version had kept it, whose rules did not say which path labels there are. */
  forgetPathLabels(): void {
    const rules = this.#journal.records[0]!;
    rules[rules.length - 1]! %= 8;
  }

  /** The next start reads all records there ever were. */
  loseSnapshot(): void {
    this.#journal.snapshotted = undefined;
  }

  /** The page now, in a format that is text. */
  async page(format: ExpositionFormat): Promise<string> {
    return (await this.expositionBytes(format)).toString('utf8');
  }

  async expositionBytes(format: ExpositionFormat): Promise<Buffer> {
    const slices: Uint8Array[] = [];
    for await (const slice of this.#gateway.gateway.scrape({ format })) slices.push(slice);
    return Buffer.concat(slices);
  }

  /** As the HTTP layer asks. */
  get api(): GatewayApi {
    return this.#gateway.gateway;
  }

  statistics(): Promise<SeriesStatistics> {
    return this.#gateway.gateway.statistics();
  }

  /** What a request for a list is answered. */
  async list(request: ListRequest): Promise<unknown> {
    const { data, warnings } = await this.#gateway.gateway.list(request);
    return { data: JSON.parse(Buffer.concat(data).toString()) as unknown, warnings };
  }

  /** As an admin request does. */
  deleteMany(request: DeleteRequest): Promise<Deleted> {
    return this.#gateway.gateway.deleteMany(request);
  }

  /** The page of own metrics now. */
  async ownMetrics(): Promise<string> {
    const page = await this.#gateway.gateway.telemetry?.page();
    return page?.body ?? '';
  }

  async takeSnapshot(): Promise<void> {
    await this.#gateway.gateway.snapshots.take();
    if (this.#gateway.gateway.snapshots.report.failed > 0) throw new Error('no snapshot could be taken');
  }
}
