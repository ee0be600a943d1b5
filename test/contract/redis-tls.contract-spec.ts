import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { newAccess } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

const lifetime = { idleTimeoutMs: 60_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 60_000 };

describe('the Redis store over TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'session-beans-tls-'));
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  let redis: RedisServer;
  let port: number;
  beforeAll(async () => {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, ...subject],
      {
        stdio: 'ignore',
      },
    );
    port = await freePort();
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate];
    redis = await RedisServer.start('--tls-port', `${port}`, '--tls-auth-clients', 'no', ...files);
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(directory, { recursive: true });
  });

  it('saves and loads through a client that trusts the certificate', async () => {
    const client = new Redis({ host: '127.0.0.1', port, tls: { ca: readFileSync(certificate) } });
    const store = new RedisSessionStore({ client, onWarning: () => undefined });
    const parts = new Map([['a', { base: null, payload: '1' }]]);
    const session = newAccess();
    await store.save({ ...session, writeId: 'w', mode: 'create', lifetime, parts });
    expect(await store.load(session)).toMatchObject({ outcome: 'found', record: { stamp: '1.w' } });
    await store.close();
    client.disconnect();
  });

  it('refuses a server with an untrusted certificate, and warns once', async () => {
    const warnings: string[] = [];
    const store = new RedisSessionStore({
      url: `rediss://127.0.0.1:${port}`,
      onWarning: (warning) => warnings.push(warning),
    });
    await eventually('the warning', () => warnings.some((warning) => /certificate/i.test(warning)));
    await expect(store.load(newAccess())).rejects.toBeInstanceOf(Error);
    await store.close();
    expect(warnings.filter((warning) => /certificate/i.test(warning))).toHaveLength(1);
  });
});
