import type { RelabelRule, Rules } from './rules.ts';

/** What says which series a sample is of, as texts that are the same for the same rules. */
interface Identity {
  /** For all senders. */
  readonly ofAll: string;
  /** For some, by their paths; empty where it is the same for all. */
  readonly ofSources: string;
}

/** Whether it depends on who pushes. */
export function dependsOnSource({ sources }: Rules): boolean {
  return sources.some(({ relabel, pathLabels }) => relabel.length > 0 || pathLabels !== undefined);
}

export function identityOf(rules: Rules): Identity {
  const { relabel, metrics, sources } = rules;
  const labels = metrics
    .filter(({ without, by }) => (without ?? by) !== undefined)
    .map(({ match, without, by }) => [match?.text, without, by]);
  const ofSources = sources.map((source) => [
    source.match?.text,
    source.pathLabels,
    source.relabel.map(written),
  ]);
  return {
    ofAll: JSON.stringify([relabel.map(written), labels]),
    // Of entries that match, only the first one holds, whatever it says.
    ofSources: dependsOnSource(rules) ? JSON.stringify(ofSources) : '',
  };
}

function written({ regex, ...others }: RelabelRule): object {
  return { ...others, regex: regex.source };
}
