/** Labels of a metric in words, and messages that are read only to see that they are well formed. */
import { PushProblem } from '../../model/errors.ts';
import type { Label } from '../../model/labels.ts';
import { exemplar, label as labelTags, metric as metricTags, timestamp } from './schema.ts';
import type { WireReader } from './wire.ts';

const LABELS_READ_MAX = 1024;

const exemplarTags = Object.values(exemplar);
const timestampTags = Object.values(timestamp);
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
    const label = readLabel(reader, reader.at, next);
    if (label.name === '') throw new PushProblem('invalid_name', 'a label has an empty name', at);
    if (label.name === '__name__') {
      throw new PushProblem('invalid_name', 'the label name __name__ is reserved for the metric name', at);
    }
    if (labels.some(({ name }) => name === label.name)) {
      throw new PushProblem('duplicate_label', `the label ${label.name} stands twice in this series`, at);
    }
    if (labels.length === LABELS_READ_MAX) {
      throw new PushProblem('labels_limit', `the series has more than ${LABELS_READ_MAX} labels`, at);
    }
    labels.push(label);
    reader.enter(next, end);
  }
  return labels;
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

/** Passes over an Exemplar message. The aggregate has no place for it yet. */
export function passExemplar(reader: WireReader): void {
  const { end } = reader;
  const next = reader.bytesEnd();
  reader.end = next;
  while (reader.at < next) {
    const tag = reader.tag();
    if (tag === exemplar.label) {
      const pairEnd = reader.bytesEnd();
      readLabel(reader, reader.at, pairEnd);
      reader.enter(pairEnd, next);
    } else if (tag === exemplar.timestamp) passTimestamp(reader);
    else reader.skipUnused(tag, exemplarTags);
  }
  reader.enter(next, end);
}

/** Passes over a Timestamp message. */
export function passTimestamp(reader: WireReader): void {
  const { end } = reader;
  const next = reader.bytesEnd();
  reader.end = next;
  while (reader.at < next) {
    const tag = reader.tag();
    if (tag === timestamp.seconds || tag === timestamp.nanos) reader.varint();
    else reader.skipUnused(tag, timestampTags);
  }
  reader.enter(next, end);
}
