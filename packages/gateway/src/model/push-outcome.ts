/** What the body of a push may be written in. */
export type PushFormat = 'text' | 'openmetrics' | 'protobuf';

/**
 * `replayed`: it was there already, under the same idempotency key. `dropped`: as applied, but it has samples and none of them adds
 * anything, as they are of summaries that are not kept, NaN or infinite. `dropped by rules`: the same, where rules drop some or all of them. `dropped by limits`: the same, where new
 * series are left out, as there are as many as may be. `late`: it is older than what its source has pushed already, as its start times say, and has
 * changed nothing.
 */
export type PushOutcome =
  | 'applied'
  | 'replayed'
  | 'dropped'
  | 'dropped by rules'
  | 'dropped by limits'
  | 'late';
