import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { INestApplication } from '@nestjs/common';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import { Client, setCookies } from '../support/client.js';
import { adapters } from '../support/platforms.js';
import { PrometheusText } from '../support/prometheus-text.js';

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

describe.each(adapters)('the sample, $adapter', ({ adapter }) => {
  let app: INestApplication;
  let url: string;
  beforeAll(async () => {
    app = await createApplication(readConfig({ HTTP_ADAPTER: adapter, NODE_NAME: 's1', SERVER_TIMING: 'on' }));
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    const client = new Client(app);
    await client.get('/count');
    await client.get('/count');
  });
  afterAll(() => app.close());

  it('answers /metrics with Prometheus text, and creates no session for it', async () => {
    const response = await new Client(app).get('/metrics');

    expect(response.get('Content-Type')).toMatch(/^text\/plain;.*\bversion=0\.0\.4/);
    expect(setCookies(response)).toEqual([]);
    const { text } = response;
    expect(text).toContain('session_requests_total{session_node="s1"}');
    // Events that have not happened yet count 0. Otherwise a server without conflicts would look like one that does not
    // count them.
    expect(text).toContain('session_events_total{session_node="s1",session_event="conflict"} 0');
  });

  it('has every metric that the dashboard queries', async () => {
    const { panels } = JSON.parse(readFileSync('deploy/observability/grafana-dashboard.json', 'utf8')) as Dashboard;
    const asked = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => expr.match(/session_\w+(?=\{|\[)/g) ?? []),
    );
    const { text } = await PrometheusText.of(url);
    // These metrics need a near cache, the replicated store, or a slow phase.
    const later = /^session_(near_cache_\w+|store_figure|phase_duration_\w+)$/;

    expect(asked.length).toBeGreaterThan(20);
    for (const name of asked.filter((one) => !later.test(one))) expect(text).toMatch(new RegExp(`^${name}[{ ]`, 'm'));
  });

  it('sends a Server-Timing header when it is configured to', async () => {
    expect((await new Client(app).get('/ping')).get('Server-Timing')).toMatch(/total;dur=[\d.]+, node;desc="s1"$/);
  });
});

describe('the configuration of the sample', () => {
  it('turns headers and the log of slow requests off by default', () => {
    expect(readConfig({})).toMatchObject({ serverTiming: false, slowRequestMs: undefined });
    expect(readConfig({ SLOW_REQUEST_MS: '250' })).toMatchObject({ slowRequestMs: 250 });
    expect(() => readConfig({ SERVER_TIMING: 'maybe' })).toThrow('SERVER_TIMING=maybe');
  });
});
