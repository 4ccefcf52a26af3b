/** Made-up but realistic bodies, the same in every run. */

/** 1.6 KB, as a small service pushes: one counter family of 6 series and one histogram of 12 buckets. */
export function smallPush(): string {
  const lines = ['# HELP http_requests_total Requests served.', '# TYPE http_requests_total counter'];
  for (const code of [200, 201, 204, 400, 404, 500]) {
    lines.push(`http_requests_total{code="${code}",handler="/api/v1/orders",method="post"} ${code * 7}`);
  }
  lines.push('# HELP http_request_duration_seconds Time to serve a request.');
  lines.push('# TYPE http_request_duration_seconds histogram');
  let cumulative = 0;
  for (const bound of [
    '0.005',
    '0.01',
    '0.025',
    '0.05',
    '0.1',
    '0.25',
    '0.5',
    '1',
    '2.5',
    '5',
    '10',
    '+Inf',
  ]) {
    cumulative += 13;
    lines.push(`http_request_duration_seconds_bucket{handler="/api/v1/orders",le="${bound}"} ${cumulative}`);
  }
  lines.push(`http_request_duration_seconds_sum{handler="/api/v1/orders"} 48.153`);
  lines.push(`http_request_duration_seconds_count{handler="/api/v1/orders"} ${cumulative}`);
  return `${lines.join('\n')}\n`;
}

/** About 85 bytes a series: one counter family, 3 labels. */
export function largePush(series: number): string {
  const lines = ['# TYPE http_requests_total counter'];
  for (let i = 0; i < series; i += 1) {
    lines.push(
      `http_requests_total{code="${200 + (i % 10)}",instance="host-${i}",path="/api/v1/things/${i % 100}"} ${i * 3}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
