/** Words that have no place here, whether in prose, in names of files or in identifiers. */

export interface BannedWord {
  /** One word or several, such as `pending series`: found in `freshAccumulators`, `FRESH_ACCUMULATOR`, `fresh-accumulators.ts` and "pending series". */
  readonly word: string;
  readonly say: string;
  /** Only where users read it: in their docs, and in the sources outside of comments. */
  readonly shown?: true;
  /** Paths that go on having it, relative to the repository, and why. */
  readonly except?: Readonly<Record<string, string>>;
}

const usersRead = /^(?:README|CONTRIBUTING)\.md$|^docs\/(?:guides|reference)\/|^packages\/gateway\/src\//;

/** With as many lines. Only comments that begin a line or follow a blank, as the formatter writes them. */
function withoutComments(source: string): string {
  return source.replaceAll(/^[ \t]*\/\*[^]*?\*\/|(?<=^|\s)\/\/.*/gm, (comment) =>
    comment.replaceAll(/[^\n]/g, ''),
  );
}

/** Lower case, in their order, with the line of each. */
function* wordsOf(text: string): Generator<{ readonly word: string; readonly line: number }> {
  let line = 1;
  for (const [found] of text.matchAll(/\n|[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g)) {
    if (found === '\n') line += 1;
    else yield { word: found.toLowerCase(), line };
  }
}

/** `path:line has word; say …`, once for each line. */
export function bannedWordsIn(path: string, text: string, banned: readonly BannedWord[]): readonly string[] {
  const rows = banned.filter(({ except }) => !(except !== undefined && path in except));
  const shown = usersRead.test(path) ? rows.filter((row) => row.shown) : [];
  return [
    ...foundIn(
      path,
      text,
      rows.filter((row) => !row.shown),
    ),
    ...foundIn(path, path.endsWith('.md') ? text : withoutComments(text), shown),
  ];
}

function foundIn(path: string, text: string, rows: readonly BannedWord[]): readonly string[] {
  if (rows.length === 0) return [];
  const phrases = rows.map((each) => ({ ...each, words: each.word.split(' ') }));
  const found = new Set<string>();
  for (const part of [
    { text: path, isPath: true },
    { text, isPath: false },
  ]) {
    const words = [...wordsOf(part.text)];
    for (const [at, { line }] of words.entries()) {
      for (const { words: wanted, word, say } of phrases) {
        const isHere = wanted.every((each, i) =>
          i === wanted.length - 1 ? isFormOf(words[at + i]?.word, each) : words[at + i]?.word === each,
        );
        if (isHere) found.add(`${path}${part.isPath ? '' : `:${line}`} has ${word}; say ${say}`);
      }
    }
  }
  return [...found];
}

/** Exceptions for files that do not have the word, or are not there. */
export function staleExceptions(
  texts: ReadonlyMap<string, string>,
  banned: readonly BannedWord[],
): readonly string[] {
  return banned.flatMap((row) =>
    Object.keys(row.except ?? {})
      .filter((path) => bannedWordsIn(path, texts.get(path) ?? '', [{ ...row, except: {} }]).length === 0)
      .map((path) => `${path} has no ${row.word}`),
  );
}

function isFormOf(word: string | undefined, wanted: string): boolean {
  return word === wanted || word === `${wanted}s` || word === `${wanted}es`;
}
