import type { RelabelRule, Rules } from './rules.ts';

/** What says which series a sample is of, as texts that are the same for the same rules. */
interface Identity {
  /** For all senders. */
  readonly ofAll: string;
  /** For some, by their paths. */
  readonly ofSources: string;
}

export function identityOf({ relabel, metrics, sources }: Rules): Identity {
  const labels = metrics
    .filter(({ without, by }) => (without ?? by) !== undefined)
    .map(({ match, without, by }) => [match?.text, without, by]);
  const ofSources = sources.map((source) => [
    source.match?.text,
    source.pathLabels,
    source.relabel.map(written),
  ]);
  return { ofAll: JSON.stringify([relabel.map(written), labels]), ofSources: JSON.stringify(ofSources) };
}

function written({ regex, ...others }: RelabelRule): object {
  return { ...others, regex: regex.source };
}
