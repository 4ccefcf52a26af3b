/** What each Accept header is answered with. Headers of Prometheus are written out as it sends them. */
import { describe, expect, test } from 'vitest';

import { negotiate } from '../../src/http/replies/accept.ts';

const om = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const draft = 'application/openmetrics-text; version=0.0.1; charset=utf-8';
const text = 'text/plain; version=0.0.4; charset=utf-8';
const text1 = 'text/plain; version=1.0.0; charset=utf-8';
const proto = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

const askProto = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

describe('Prometheus', () => {
  test.each([
    [
      '2.42',
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
      `${om}; escaping=underscores`,
    ],
    [
      '2.42 with native histograms',
      `${askProto},application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
      proto,
    ],
    [
      '2.53',
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      `${om}; escaping=underscores`,
    ],
    [
      '2.53 with native histograms',
      `${askProto};q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`,
      proto,
    ],
    [
      '3.5 and 3.14',
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      `${om}; escaping=allow-utf-8`,
    ],
    [
      '3.5 and 3.14 with native histograms or created timestamps, with names as in its other formats',
      `${askProto};q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`,
      `${proto}; escaping=allow-utf-8`,
    ],
    [
      '3 with metric_name_escaping_scheme: values',
      `${askProto};q=0.6,application/openmetrics-text;version=1.0.0;escaping=values;q=0.5`,
      `${proto}; escaping=values`,
    ],
    [
      '3 with scrape_protocols: [PrometheusText1.0.0, PrometheusText0.0.4]',
      'text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4',
      `${text1}; escaping=allow-utf-8`,
    ],
    [
      '3 with scrape_protocols: [PrometheusText0.0.4, PrometheusText1.0.0]',
      'text/plain;version=0.0.4;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.4',
      `${text}; escaping=underscores`,
    ],
    ['3 with scrape_protocols: [PrometheusText0.0.4]', 'text/plain;version=0.0.4;q=0.6,*/*;q=0.5', text],
  ])('%s', (_, accept, contentType) => {
    expect(negotiate(accept).contentType).toBe(contentType);
  });
});

describe('others', () => {
  test.each([
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', text],
    ['curl', '*/*', text],
    ['nothing', undefined, text],
    ['an empty header', '', text],
    ['what there is not', 'application/json', text],
    ['no text at all', 'text/plain;q=0, application/json', text],
    ['any text', 'text/*', text],
    [
      'telegraf and other early clients',
      `${askProto};q=0.7,text/plain;version=0.0.4;q=0.3,application/json;schema="prometheus/telemetry";version=0.0.2;q=0.2,*/*;q=0.1`,
      proto,
    ],
  ])('%s', (_, accept, contentType) => {
    expect(negotiate(accept)).toMatchObject({ contentType });
  });
});

describe('versions', () => {
  test.each([
    ['text/plain', text],
    ['text/plain; version=0.0.4', text],
    ['text/plain; version=1.0.0', `${text1}; escaping=underscores`],
    ['text/plain; version=2.0.0, application/openmetrics-text;q=0.1', draft],
    ['application/openmetrics-text', draft],
    ['application/openmetrics-text; version=0.0.1', draft],
    ['application/openmetrics-text; version=1.0.0', `${om}; escaping=underscores`],
    ['application/openmetrics-text; version=2.0.0', text],
    ['application/vnd.google.protobuf', text],
    [`${askProto.replace('delimited', 'text')}`, text],
    ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text', text],
    ['application/vnd.google.protobuf;proto=another.Message;encoding=delimited', text],
  ])('%s', (accept, contentType) => {
    expect(negotiate(accept).contentType).toBe(contentType);
  });
});

describe('quality, then order', () => {
  test.each([
    ['text/plain;q=0.2, application/openmetrics-text;q=0.7', draft],
    ['text/plain, application/openmetrics-text', text],
    ['application/openmetrics-text, text/plain', draft],
    ['*/*, application/openmetrics-text', draft],
    ['*/*;q=0.9, application/openmetrics-text;q=0.8', text],
    ['text/*;q=0.5, application/openmetrics-text;q=0.5', draft],
    [`${askProto};q=0, application/openmetrics-text;q=0.1`, draft],
    ['application/openmetrics-text;q=2', text],
    ['application/openmetrics-text;q=', text],
  ])('%s', (accept, contentType) => {
    expect(negotiate(accept).contentType).toBe(contentType);
  });
});

describe('escaping', () => {
  test.each([
    ['text/plain;version=1.0.0;escaping=allow-utf-8', 'allow-utf-8', true],
    ['text/plain;version=1.0.0;escaping=dots', 'dots', true],
    ['text/plain;escaping=values', 'values', true],
    ['text/plain;escaping=underscores', 'underscores', true],
    ['text/plain;escaping=something', 'underscores', false],
    ['text/plain;version=1.0.0;escaping=something', 'underscores', true],
    ['application/openmetrics-text;escaping=dots', 'dots', true],
    [`${askProto};escaping=dots,text/plain;escaping=values;q=0.1`, 'dots', true],
    ['text/plain;version=9;escaping=dots, text/plain;q=0.1', 'underscores', true],
    ['application/json;escaping=dots', 'underscores', true],
    ['text/plain', 'underscores', false],
  ])('%s: %s', (accept, escaping, isTold) => {
    const negotiated = negotiate(accept);
    expect(negotiated.escaping).toBe(escaping);
    expect(negotiated.contentType.endsWith(`; escaping=${escaping}`)).toBe(isTold);
  });
});

describe('spelling', () => {
  test.each([
    ['Application/OpenMetrics-Text ; Version = "1.0.0" ; Q = 0.9', `${om}; escaping=underscores`],
    ['application/openmetrics-text;version="1.0.0";escaping="Dots"', `${om}; escaping=dots`],
    ['application/openmetrics-text;version="1\\.0.0"', `${om}; escaping=underscores`],
    ['a/b;c="x, text/plain;version=1.0.0", application/openmetrics-text', draft],
    ['a/b;c="\\"", application/openmetrics-text', draft],
    ['a/b;c="never closed, application/openmetrics-text', text],
    [' , ;q=1, ,application/openmetrics-text;;', draft],
    [askProto.toUpperCase().replaceAll(';', ' ;\t'), proto],
    ['application/vnd.google.protobuf;encoding=delimited;proto=io.prometheus.client.MetricFamily', proto],
  ])('%s', (accept, contentType) => {
    expect(negotiate(accept).contentType).toBe(contentType);
  });

  test('a long header of quotes takes no time', () => {
    const started = performance.now();
    negotiate('a/b;c="\\'.repeat(100_000));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
