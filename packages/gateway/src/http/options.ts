/** How the gateway is reached over HTTP. Each field is a flag of the command line. */
export interface HttpOptions {
  /** Begins and ends with a slash. */
  readonly pushPath: string;
  readonly telemetryPath: string;
  /** `*`, or exact origins such as `https://shop.example`. */
  readonly corsOrigins: readonly string[];
  /** Of a body, as sent and after decompression as well. */
  readonly bodyBytesMax: number;
  /** Of all bodies being received at one time; further pushes are answered 503. */
  readonly bodiesBytesMax: number;
  readonly connectionsMax: number;
  /** For a whole request to arrive. */
  readonly readTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
}

export const defaultHttpOptions: HttpOptions = {
  pushPath: '/metrics/',
  telemetryPath: '/-/metrics',
  corsOrigins: ['*'],
  bodyBytesMax: 16 * 1024 * 1024,
  bodiesBytesMax: 256 * 1024 * 1024,
  connectionsMax: 10_000,
  readTimeoutMs: 30_000,
  shutdownTimeoutMs: 10_000,
};
