/** Servers of a log, whatever their program, as members are to reach them. */
export interface LogServers {
  /** Of 127.0.0.1: all that members ask of the servers. */
  readonly ports: readonly number[];
  /** What members are given, who reach each of the ports at an address. */
  logUrl(addressOf: (port: number) => string, log: LogAt): string;
  /** Removes the log, which nobody uses any more, where keeping many would cost. */
  forget?(name: string): Promise<void>;
}

export interface LogAt {
  /** Of the table or stream. */
  readonly table: string;
  /** User and password, as a URL has them. */
  readonly as?: string;
  readonly database?: string;
}
