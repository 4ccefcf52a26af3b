/**
 * Runs the cases under test/cases: every `##` section is a test, and its fenced blocks are steps, in order. They read as what an
 * operator would do and see.
 *
 *   options         createGateway options as JSON; only as the first block
 *   rules           what the configuration file says from here on, as YAML; the file before counts no more
 *   push            a push; `push PUT job/a` names method and path, `key=k` its idempotency key, `age=10s` that of its
 *                   first attempt, `format=openmetrics` what it is written in
 *   replayed        the push just before was known by its key, and not counted again
 *   dropped         rules drop all that the push just before has
 *   refused         what the push just before is answered: `refused 400 syntax`, and the text of the error in the block
 *   scrape          the page now, exactly; `scrape format=openmetrics escaping=dots` says how it is written
 *   delete job/a    retires a source
 *   delete-series   drops what matches a selector, one in each line of the block; `delete-series 3` says how many series
 *   delete-sources  retires what matches; `delete-sources 2` says how many sources
 *   wipe            drops everything; `wipe 3 2` says how many series and sources
 *   would-…         says it, and changes nothing
 *   tsdb-status     what the status of series has, or the part of it that is in the block; `limit=2` as in the query
 *   metadata, labels, values a, series
 *                   what a list has, or says that it lacks; `match=…` and `limit=2` as in the query
 *   clock +2s       time goes by
 *   restart         the gateway starts again from what it kept; the block may hold other options as JSON
 *   snapshot        what is kept becomes a snapshot
 *
 * In `push-escaped`, `\r` and `\x80` stand for bytes that a Markdown file cannot hold, and `\e` at the end for "no last line feed".
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

import type { Deleted, DeleteRequest, ListRequest, PushFormat } from '../src/gateway/api.ts';
import { replyTo } from '../src/http/routes/tsdb-status.ts';
import { RequestError } from '../src/index.ts';
import type { EmbeddedOptions, PushOptions } from '../src/index.ts';
import { plainText } from '../src/model/exposition-format.ts';
import type { ExpositionFormat } from '../src/model/exposition-format.ts';
import { RestartingGateway } from './support/restarting.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'cases');

interface Block {
  readonly verb: string;
  readonly words: readonly string[];
  readonly body: string;
  readonly line: number;
}

interface Case {
  readonly name: string;
  readonly blocks: readonly Block[];
}

function readCases(text: string): Case[] {
  const cases: { name: string; blocks: Block[] }[] = [];
  let open: { info: string; from: number } | undefined;
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (open !== undefined) {
      if (line !== '```') continue;
      const [verb = '', ...words] = open.info.split(' ');
      const body = lines
        .slice(open.from, index)
        .map((content) => `${content}\n`)
        .join('');
      const current = cases.at(-1);
      if (current === undefined) throw new Error(`line ${index + 1}: a block before the first section`);
      current.blocks.push({ verb, words, body, line: open.from });
      open = undefined;
    } else if (line.startsWith('## ')) {
      cases.push({ name: line.slice(3), blocks: [] });
    } else if (line.startsWith('```')) {
      open = { info: line.slice(3).trim(), from: index + 1 };
    }
  }
  if (open !== undefined) throw new Error(`line ${open.from}: the block is not closed`);
  return cases;
}

/** `\xNN` is a byte, `\r`, `\0` and `\e` (no line feed at the end) what they look like; other backslashes stay. */
function unescapeBody(body: string): Buffer {
  const bytes = body
    .replace(/\\e\n$/, '')
    .replace(/\\r/g, '\r')
    .split(/(\\x[0-9a-f]{2})/)
    .map((piece) =>
      /^\\x[0-9a-f]{2}$/.test(piece)
        ? Buffer.from([Number.parseInt(piece.slice(2), 16)])
        : Buffer.from(piece),
    );
  return Buffer.concat(bytes);
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function durationMs(text: string): number {
  const match = /^\+(\d+)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new Error(`cannot read the duration ${text}`);
  return Number(match[1]) * unitsMs[match[2]!]!;
}

async function run({ blocks }: Case): Promise<void> {
  let nowMs = 1_700_000_000_000;
  const first = blocks[0];
  const options = (first?.verb === 'options' ? JSON.parse(first.body) : {}) as EmbeddedOptions;
  const clock = { now: () => nowMs };
  const running = await RestartingGateway.start({ ...options, clock });
  try {
    for (const [index, { verb, words, body, line }] of blocks.entries()) {
      const where = `block at line ${line}`;
      switch (verb) {
        case 'options':
          expect(index, where).toBe(0);
          break;
        case 'rules':
          await running.setRules(body);
          break;
        case 'push':
        case 'push-escaped': {
          const key = wordAfter('key=', words);
          const format = wordAfter('format=', words);
          const age = wordAfter('age=', words);
          const [method = 'POST', path = ''] = words.filter((word) => !/^(?:key|age|format)=/.test(word));
          if (method !== 'POST' && method !== 'PUT') throw new Error(`${where}: ${method} is not a push`);
          const bytes = verb === 'push' ? Buffer.from(body) : unescapeBody(body);
          const next = blocks[index + 1];
          const target: PushOptions = {
            method,
            path,
            ...(key === undefined ? {} : { idempotencyKey: key }),
            ...(format === undefined ? {} : { format: format as PushFormat }),
            ...(age === undefined ? {} : { firstAttemptAgeMs: durationMs(`+${age}`) }),
          };
          const outcome = await running.gateway.push(bytes, target).catch((reason: unknown) => reason);
          if (next?.verb === 'refused') {
            expect(`${describeError(outcome)}\n`, where).toBe(`${next.words.join(' ')}\n${next.body}`);
          } else if (outcome instanceof Error) expect.fail(`${where}: ${describeError(outcome)}`);
          else if (next?.verb === 'dropped') expect(outcome, where).toBe('dropped by rules');
          else expect(outcome === 'replayed', where).toBe(next?.verb === 'replayed');
          break;
        }
        case 'replayed':
        case 'dropped':
        case 'refused':
          expect(blocks[index - 1]?.verb, where).toMatch(/^(?:push|delete-|wipe|would-|labels|series)/);
          break;
        case 'scrape':
          expect(await running.page(expositionFormat(words)), where).toBe(body);
          break;
        case 'delete':
          await running.gateway.delete(words[0] ?? '');
          break;
        case 'delete-series':
        case 'delete-sources':
        case 'wipe':
        case 'would-delete-series':
        case 'would-delete-sources':
        case 'would-wipe': {
          const deleted = await running
            .deleteMany({ what: deletedBy(verb), match: linesOf(body), isDryRun: verb.startsWith('would-') })
            .catch((reason: unknown) => reason);
          const next = blocks[index + 1];
          if (next?.verb === 'refused')
            expect(`${describeError(deleted)}\n`, where).toBe(`${next.words.join(' ')}\n${next.body}`);
          else expect(countsOf(deleted, verb), where).toBe(words.join(' '));
          break;
        }
        case 'tsdb-status': {
          const text = [...replyTo(await running.statistics(), Number(wordAfter('limit=', words) ?? 10))];
          const { data } = JSON.parse(text.join('')) as { data: object };
          expect(data, where).toMatchObject(JSON.parse(body) as object);
          break;
        }
        case 'metadata':
        case 'labels':
        case 'values':
        case 'series': {
          const found = await running.list(listRequest(verb, words)).catch((reason: unknown) => reason);
          const next = blocks[index + 1];
          if (next?.verb === 'refused')
            expect(`${describeError(found)}\n`, where).toBe(`${next.words.join(' ')}\n${next.body}`);
          else expect(found, where).toEqual({ warnings: [], ...(JSON.parse(body) as object) });
          break;
        }
        case 'clock':
          nowMs += durationMs(words[0] ?? '');
          break;
        case 'restart':
          await running.restart({
            ...(body === '' ? options : (JSON.parse(body) as EmbeddedOptions)),
            clock,
          });
          break;
        case 'snapshot':
          await running.takeSnapshot();
          break;
        default:
          throw new Error(`${where}: no such step as ${verb}`);
      }
    }
  } finally {
    void running.gateway.close();
  }
}

function listRequest(
  verb: 'metadata' | 'labels' | 'values' | 'series',
  words: readonly string[],
): ListRequest {
  const limit = Number(wordAfter('limit=', words) ?? Infinity);
  const match = words.filter((word) => word.startsWith('match=')).map((word) => word.slice('match='.length));
  switch (verb) {
    case 'metadata':
      return { what: verb, limit };
    case 'values':
      return { what: verb, label: words[0]!, match, limit };
    case 'labels':
    case 'series':
      return { what: verb, match, limit };
  }
}

function deletedBy(verb: string): DeleteRequest['what'] {
  if (verb.endsWith('wipe')) return 'all';
  return verb.endsWith('series') ? 'series' : 'sources';
}

function countsOf(deleted: unknown, verb: string): string {
  if (deleted instanceof Error) return describeError(deleted);
  const { series, sources } = deleted as Deleted;
  return [...(verb.endsWith('sources') ? [] : [series]), ...(verb.endsWith('series') ? [] : [sources])].join(
    ' ',
  );
}

function linesOf(body: string): readonly string[] {
  return body.split('\n').filter((line) => line !== '');
}

function expositionFormat(words: readonly string[]): ExpositionFormat {
  const escaping = wordAfter('escaping=', words);
  return {
    ...plainText,
    format: (wordAfter('format=', words) ?? plainText.format) as ExpositionFormat['format'],
    ...(escaping === undefined ? {} : { escaping: escaping as ExpositionFormat['escaping'] }),
  };
}

/** What follows `prefix` in the word that begins with it. */
function wordAfter(prefix: string, words: readonly string[]): string | undefined {
  return words.find((word) => word.startsWith(prefix))?.slice(prefix.length);
}

function describeError(error: unknown): string {
  if (error instanceof RequestError) return `${error.status} ${error.code}\n${error.text}`;
  if (error instanceof Error) return error.stack ?? error.message;
  return 'not refused';
}

for (const file of readdirSync(folder).filter((name) => name.endsWith('.md'))) {
  const cases = readCases(readFileSync(join(folder, file), 'utf8'));
  describe(file, () => {
    test.each(cases)('$name', run);
  });
}
