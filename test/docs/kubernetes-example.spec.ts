import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SessionModule } from 'nestjs-session-beans';
import request from 'supertest';
import { eventually } from '../support/eventually.js';
import { ExampleFolder } from './example-folder.js';

// The blocks of `docs/kubernetes.md`: their text is what runs here.

const root = join(import.meta.dirname, '../..');

process.env['DRAIN_MS'] = '2000';
const examples = new ExampleFolder('docs/kubernetes.md');
const { HealthModule } = await examples.import<{ readonly HealthModule: Type }>('health.ts');
delete process.env['DRAIN_MS'];

@Module({ imports: [SessionModule.forRoot(), HealthModule] })
class ExampleModule {}

let app: INestApplication;
beforeAll(async () => {
  app = await NestFactory.create(ExampleModule, { logger: false });
  await app.listen(0);
});
afterAll(async () => {
  await app?.close();
  examples.remove();
});

it('the server is ready, then not ready and alive while it drains, then gone', async () => {
  const url = await app.getUrl();
  const { body } = await request(url).get('/health').expect(200);
  expect(body.details.sessions.status).toBe('up');

  const closed = app.close();
  await eventually('it is not ready', async () => (await request(url).get('/health')).status === 503);
  await request(url).get('/ping').expect(200, 'pong');
  await closed;
  await expect(request(url).get('/ping')).rejects.toThrow('ECONNREFUSED');
});

it('the probes are those of the files', () => {
  const page = readFileSync(join(root, 'docs/kubernetes.md'), 'utf8');
  const probes = /^```yaml\n([^]*?)^```$/m.exec(page)?.[1];

  expect(probes).toContain('readinessProbe');
  for (const pattern of ['external', 'cached', 'sticky', 'replicated'])
    expect(readFileSync(join(root, `deploy/kubernetes/${pattern}.yaml`), 'utf8')).toContain(probes);
});
