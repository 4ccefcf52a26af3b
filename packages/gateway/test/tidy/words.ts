/** Words that have no place here, whether in prose, in names of files or in identifiers. */

export interface BannedWord {
  /** One word or several, such as `pending series`: found in `freshAccumulators`, `FRESH_ACCUMULATOR`, `fresh-accumulators.ts` and "pending series". */
  readonly word: string;
  readonly say: string;
  /** Paths that go on having it, relative to the repository, and why. */
  readonly except?: Readonly<Record<string, string>>;
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
  const phrases = banned
    .filter(({ except }) => !(except !== undefined && path in except))
    .map((each) => ({ ...each, words: each.word.split(' ') }));
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
  return banned.flatMap(({ word, say, except }) =>
    Object.keys(except ?? {})
      .filter((path) => bannedWordsIn(path, texts.get(path) ?? '', [{ word, say }]).length === 0)
      .map((path) => `${path} has no ${word}`),
  );
}

function isFormOf(word: string | undefined, wanted: string): boolean {
  return word === wanted || word === `${wanted}s` || word === `${wanted}es`;
}
