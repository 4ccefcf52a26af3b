/** Labels of a metric as parsed, and exemplars. */
import { PushProblem } from '../../model/errors.ts';
import type { Exemplar } from '../../model/exemplar.ts';
import type { Label } from '../../model/labels.ts';
import { shorten } from '../../primitives/quote.ts';
import { exemplar, label as labelTags, metric as metricTags } from './schema.ts';
import { readTimestamp } from './timestamp.ts';
import type { WireReader } from './wire.ts';

const LABELS_READ_MAX = 1024;

const exemplarTags = Object.values(exemplar);
const pairTags = Object.values(labelTags);

/** The labels of a Metric message, wherever in it they stand. */
export function readLabels(reader: WireReader, start: number, end: number): Label[] {
  const labels: Label[] = [];
  reader.enter(start, end);
  while (reader.at < end) {
    const at = reader.at;
    const tag = reader.tag();
    if (tag !== metricTags.label) {
      reader.skip(tag);
      continue;
    }
    const next = reader.bytesEnd();
    addLabel(labels, readLabel(reader, reader.at, next), at);
    reader.enter(next, end);
  }
  return labels;
}

/** Adds one to the labels of a series or an exemplar. */
function addLabel(labels: Label[], label: Label, at: number): void {
  if (label.name === '') throw new PushProblem('invalid_name', 'a label has an empty name', at);
  if (label.name === '__name__') {
    throw new PushProblem('invalid_name', 'the label name __name__ is reserved for the metric name', at);
  }
  if (labels.some(({ name }) => name === label.name)) {
    throw new PushProblem(
      'duplicate_label',
      `the label ${shorten(label.name)} appears twice in one series or exemplar`,
      at,
    );
  }
  if (labels.length === LABELS_READ_MAX) {
    throw new PushProblem('labels_limit', `a series or exemplar has more than ${LABELS_READ_MAX} labels`, at);
  }
  labels.push(label);
}

function readLabel(reader: WireReader, start: number, end: number): Label {
  let name = '';
  let value = '';
  reader.enter(start, end);
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === labelTags.name || tag === labelTags.value) {
      const next = reader.bytesEnd();
      const text = reader.text(reader.at, next);
      if (tag === labelTags.name) name = text;
      else value = text;
      reader.at = next;
    } else reader.skipUnused(tag, pairTags);
  }
  return { name, value };
}

/** An Exemplar message. */
export function readExemplar(reader: WireReader): Exemplar {
  const { end } = reader;
  const next = reader.bytesEnd();
  const labels: Label[] = [];
  let value = 0;
  let timestampMs: number | undefined;
  reader.end = next;
  while (reader.at < next) {
    const at = reader.at;
    const tag = reader.tag();
    if (tag === exemplar.label) {
      const pairEnd = reader.bytesEnd();
      addLabel(labels, readLabel(reader, reader.at, pairEnd), at);
      reader.enter(pairEnd, next);
    } else if (tag === exemplar.value) value = reader.double();
    else if (tag === exemplar.timestamp) timestampMs = readTimestamp(reader);
    else reader.skipUnused(tag, exemplarTags);
  }
  reader.enter(next, end);
  return { labels, value, timestampMs };
}
