/** What others see of the gateway of a member: that of the state it has now, which is another one after each time that it was overtaken. */
import type {
  Client,
  Deleted,
  DeleteRequest,
  Holdings,
  Listed,
  ListRequest,
  PushOutcome,
  PushRequest,
  Scrape,
  ScrapeRequest,
  SeriesStatistics,
} from '../gateway/api.ts';
import type { Gateway, GatewayInUse } from '../gateway/gateway.ts';
import type { Insight } from '../gateway/insight/insight.ts';
import type { Validated } from '../gateway/insight-api.ts';
import type { OwnRules } from '../gateway/rules-to-lead-by.ts';
import type { Renames } from '../gateway/renames.ts';
import type { HoldingsByType } from '../gateway/telemetry/telemetry.ts';
import type { RequestError } from '../model/errors.ts';
import type { GroupingKey } from '../model/labels.ts';
import type { Rules, RulesInForce } from '../rules/rules.ts';
import type { SendersMode } from '../store/aggregation-config.ts';
import type { FileInForce } from '../store/files-in-force.ts';
import type { Command } from '../wal/commands.ts';
import type { ForwardedFrom } from '../wal/forwarded-command.ts';

interface Incarnations {
  /** The one there is now. */
  readonly current: Gateway;
  /** Whether it leads. */
  readonly isLeading: boolean;
  /** Hands over, if it leads. */
  close(): Promise<void>;
}

export class CurrentGateway implements GatewayInUse {
  /** Those of this member: by what its own file says of access it lets in. */
  readonly rulesInForce: Pick<RulesInForce, 'current'>;
  readonly #of: () => Incarnations;
  #own: OwnRules;

  constructor(of: () => Incarnations, own: OwnRules) {
    this.#of = of;
    this.#own = own;
    const now = (): Rules => this.#own.rules;
    this.rulesInForce = {
      get current() {
        return now();
      },
    };
  }

  /** As its own file was read last. */
  get own(): OwnRules {
    return this.#own;
  }

  /** A member that follows takes no pushes itself, and may be told of another file all the same. */
  get whyClosed(): RequestError | undefined {
    return this.#of().isLeading ? this.#now.whyClosed : undefined;
  }

  get mode(): SendersMode {
    return this.#now.mode;
  }

  get rules(): Rules {
    const { isLeading, current } = this.#of();
    return isLeading ? { ...current.rules, access: this.#own.rules.access } : this.#own.rules;
  }

  /** Where another member leads, they hold for whom it lets in, and may do so for the rest when this one takes over. */
  async setRules(rules: Rules, file?: FileInForce): Promise<boolean> {
    const { isLeading, current } = this.#of();
    if (isLeading) await current.setRules(rules, file);
    this.#own = { rules, file };
    return isLeading;
  }

  async renamesSince(previous: Rules): Promise<Renames | undefined> {
    return this.#of().isLeading ? this.#now.renamesSince(previous) : undefined;
  }

  get insight(): Insight {
    return this.#now.insight;
  }

  validate(request: PushRequest): Promise<Validated> {
    return this.#now.validate(request);
  }

  push(request: PushRequest): Promise<PushOutcome> {
    return this.#now.push(request);
  }

  delete(key: GroupingKey, client?: Client, forwarded?: ForwardedFrom): Promise<boolean> {
    return this.#now.delete(key, client, forwarded);
  }

  deleteMany(request: DeleteRequest): Promise<Deleted> {
    return this.#now.deleteMany(request);
  }

  commit<Result>(command: Command<Result>, client?: Client): Promise<Result> {
    return this.#now.commit(command, client);
  }

  scrape(request?: ScrapeRequest): Scrape {
    return this.#now.scrape(request);
  }

  statistics(client?: Pick<Client, 'isGone'>): Promise<SeriesStatistics> {
    return this.#now.statistics(client);
  }

  list(request: ListRequest): Promise<Listed> {
    return this.#now.list(request);
  }

  holdings(): Holdings {
    return this.#now.holdings();
  }

  holdingsByType(): HoldingsByType {
    return this.#now.holdingsByType();
  }

  close(): Promise<void> {
    return this.#of().close();
  }

  get #now(): Gateway {
    return this.#of().current;
  }
}
