import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../../support/client.js';
import { adapters } from '../../support/platforms.js';
import { secretOf } from '../../support/secret-of.js';
import { FixtureServers } from './fixture-servers.js';

interface Span {
  readonly name: string;
  readonly scope: string;
  readonly id: string;
  readonly parent?: string;
}

describe('the instrumentations of OpenTelemetry for http, Express and Nest', () => {
  let servers: FixtureServers;
  beforeAll(async () => {
    servers = await FixtureServers.start({
      APPLICATION: 'open-telemetry',
      INSTRUMENT: 'open-telemetry-instrument',
    });
  });
  afterAll(() => servers?.stop());

  it.each(adapters.map(({ adapter }, index) => ({ adapter, index })))(
    'have the spans of the store inside theirs, and no session id, $adapter',
    async ({ adapter, index }) => {
      const client = new Client(servers.urls[index]);
      const ids: string[] = [];
      for (const path of ['/count', '/login', '/conflict']) {
        await client.get(path);
        ids.push(client.cookie.replace('sid=', ''));
      }
      const { spans, text } = (await client.get('/told')).body as { spans: Span[]; text: string };

      const parentOf = ({ parent }: Span): Span | undefined => spans.find(({ id }) => id === parent);
      const ofStore = spans.filter(({ name }) => name.startsWith('session.'));
      expect(ofStore.length).toBeGreaterThan(4);
      for (const span of ofStore) {
        const scopes = [];
        for (let above = parentOf(span); above; above = parentOf(above)) scopes.push(above.scope);
        expect(scopes.map((scope) => scope.replace('@opentelemetry/instrumentation-', ''))).toEqual(
          adapter === 'express' ? ['express', 'http'] : ['http'],
        );
      }
      // It knows Nest up to 11.
      expect(spans.filter(({ scope }) => scope.endsWith('nestjs-core'))).toEqual([]);
      expect(text).toContain('session.hash');
      expect(new Set(ids).size).toBe(2);
      expect(ids.filter((id) => text.includes(secretOf(id)))).toEqual([]);
    },
  );
});
