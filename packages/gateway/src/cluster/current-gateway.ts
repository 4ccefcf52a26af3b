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
import type { Renames } from '../gateway/renames.ts';
import type { HoldingsByType } from '../gateway/telemetry/telemetry.ts';
import type { RequestError } from '../model/errors.ts';
import type { GroupingKey } from '../model/labels.ts';
import type { Rules, RulesInForce } from '../rules/rules.ts';
import type { SendersMode } from '../store/aggregation-config.ts';
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
  readonly rulesInForce: Pick<RulesInForce, 'current'>;
  readonly #of: () => Incarnations;
  /** For those that come. */
  #rules: Rules;

  constructor(of: () => Incarnations, rules: Rules) {
    this.#of = of;
    this.#rules = rules;
    const now = (): Rules => this.rules;
    this.rulesInForce = {
      get current() {
        return now();
      },
    };
  }

  get whyClosed(): RequestError | undefined {
    return this.#now.whyClosed;
  }

  get mode(): SendersMode {
    return this.#now.mode;
  }

  get rules(): Rules {
    return this.#rules;
  }

  /** Where another member leads, they hold for when this one does, and for whom it lets in. */
  async setRules(rules: Rules): Promise<void> {
    const { isLeading, current } = this.#of();
    if (isLeading) await current.setRules(rules);
    this.#rules = rules;
    if (!isLeading) current.goOnBy(rules);
  }

  renamesSince(previous: Rules): Promise<Renames | undefined> {
    return this.#now.renamesSince(previous);
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
