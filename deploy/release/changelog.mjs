// Reads CHANGELOG.md: `## Unreleased`, then `## <version> / <date>` for each version, the newest first.

/** Of semantic versioning, without build metadata, which tags of images cannot have. */
export const versionPattern = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

const datePattern = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The sections of versions. A date is undefined until the release is made: the heading then says `unreleased`.
 *
 * @param {string} text
 * @returns {readonly { version: string, date: string | undefined, body: string }[]}
 */
export function versionsOf(text) {
  return text
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const [heading = '', ...lines] = section.split('\n');
      if (heading === 'Unreleased') return [];
      const [version = '', date = ''] = heading.split(' / ');
      if (!versionPattern.test(version)) throw new Error(`CHANGELOG.md: "${heading}" names no version`);
      if (date !== 'unreleased' && !datePattern.test(date)) {
        throw new Error(`CHANGELOG.md: "${heading}" has no date as YYYY-MM-DD, and does not say unreleased`);
      }
      return [{ version, date: date === 'unreleased' ? undefined : date, body: lines.join('\n').trim() }];
    });
}

/**
 * What is new in a version, as the page of its release shows it: links lead to the files of its tag, where the repository is known.
 *
 * @param {string} text
 * @param {string} version
 * @param {string} [repositoryUrl]
 * @returns {string}
 */
export function notesOf(text, version, repositoryUrl) {
  const section = versionsOf(text).find((each) => each.version === version);
  if (section === undefined) throw new Error(`CHANGELOG.md has no section "## ${version} / <date>"`);
  const body =
    repositoryUrl === undefined
      ? section.body
      : section.body.replaceAll(/\]\((?!https?:|#)([^)]+)\)/g, `](${repositoryUrl}/blob/v${version}/$1)`);
  return `${body}\n`;
}
