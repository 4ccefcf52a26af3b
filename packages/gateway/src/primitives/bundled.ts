/** In the place of this name a bundler puts the files that it leaves no file of, by their names; see deploy/executables. */
declare const BUNDLED_FILES: Readonly<Record<string, string>> | undefined;

/** The text of a file that is part of the bundle; undefined where files are files. */
export function bundledFile(name: string): string | undefined {
  return typeof BUNDLED_FILES === 'undefined' ? undefined : BUNDLED_FILES[name];
}
