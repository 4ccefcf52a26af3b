/** The page for browsers as packages/ui builds it into dist/page: files with their hashes in their names, which never change. */
import { existsSync, readFileSync } from 'node:fs';

import { bundledFile } from '../../primitives/bundled.ts';
import { RequestError } from '../../model/errors.ts';
import { quote } from '../../primitives/quote.ts';
import { readAcceptEntries } from '../replies/accept.ts';
import { nosniff } from '../replies/headers.ts';
import type { Handler } from './routes.ts';

type Coding = 'identity' | 'gzip' | 'br';

interface PageFile {
  readonly type: string;
  readonly bodies: Readonly<Record<Coding, Buffer>>;
}

interface PageFiles {
  /** What it has in place of the path before all others is `{{path}}`. */
  readonly html: string;
  readonly byName: ReadonlyMap<string, PageFile>;
}

/** Beside `src` as well as `dist`, so that it is found from both. */
const folder = '../../../dist/page/';
const endings: Readonly<Record<Coding, string>> = { br: '.br', gzip: '.gz', identity: '' };
/** The best first. */
const codings: readonly Coding[] = ['br', 'gzip', 'identity'];

let known: { readonly files: PageFiles | undefined } | undefined;

/** Undefined where it was not built, as in a clone of which only the gateway was compiled. */
export function pageFiles(): PageFiles | undefined {
  known ??= { files: readFiles() };
  return known.files;
}

function readFiles(): PageFiles | undefined {
  const list = contentOf('files.json');
  if (list === undefined) return undefined;
  const types = JSON.parse(list.toString()) as Record<string, string>;
  const byName = new Map(
    Object.entries(types).map(([name, type]) => {
      const [br, gzip, identity] = codings.map((coding) => contentOf(name + endings[coding])!);
      return [name, { type, bodies: { br: br!, gzip: gzip!, identity: identity! } }];
    }),
  );
  return { html: contentOf('index.html')!.toString(), byName };
}

function contentOf(name: string): Buffer | undefined {
  // In a bundle there are only texts.
  const bundled = bundledFile(`page/${name}`);
  if (bundled !== undefined) return Buffer.from(bundled, 'base64');
  if (bundledFile('build.json') !== undefined) return undefined;
  const url = new URL(folder + name, import.meta.url);
  return existsSync(url) ? readFileSync(url) : undefined;
}

/** For everybody: there is nothing in them that is not in the package. */
export function pageFilesHandler(nameIn: (path: string) => string | undefined): Handler {
  return async ({ request, response, path }) => {
    const file = pageFiles()?.byName.get(nameIn(path) ?? '');
    if (file === undefined)
      throw new RequestError(
        'not_found',
        `not found: ${quote(path)}; reload the page, which may have changed`,
      );
    const coding = codingFor(request.headers['accept-encoding']);
    const body = file.bodies[coding];
    request.resume();
    response.writeHead(200, [
      'Content-Type',
      file.type,
      'Content-Length',
      String(body.length),
      ...(coding === 'identity' ? [] : ['Content-Encoding', coding]),
      'Cache-Control',
      'public, max-age=31536000, immutable',
      'Vary',
      'Accept-Encoding',
      'Cross-Origin-Resource-Policy',
      'same-origin',
      ...nosniff,
    ]);
    response.end(body);
  };
}

function codingFor(accepted = ''): Coding {
  const entries = readAcceptEntries(accepted);
  const takes = (coding: Coding): boolean => {
    const entry = entries.find(({ value }) => value === coding) ?? entries.find(({ value }) => value === '*');
    return entry !== undefined && entry.quality > 0;
  };
  return codings.find(takes) ?? 'identity';
}
