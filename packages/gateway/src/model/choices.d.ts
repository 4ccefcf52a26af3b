/** For each of the fields that is one of a few words: those words. */
export type Choices<Options, Field extends keyof Options> = Readonly<{
  [Each in Field]: readonly Options[Each][];
}>;
