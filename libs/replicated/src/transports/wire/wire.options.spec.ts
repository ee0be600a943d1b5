import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { SessionConfigurationError } from 'nestjs-session-beans/store-kit';
import { type ReplicationWireOptions, resolveWireOptions } from './wire.options.js';

const good: ReplicationWireOptions = { nodeName: 's1', listen: { host: '127.0.0.1', port: 7400 } };
const secret = 'sixteen bytes at least';

describe('options of a transport', () => {
  it('need neither TLS nor a secret on loopback', () => {
    expect(resolveWireOptions('Transport', good)).toMatchObject({ ...good, maxMessageBytes: 8 * 1024 * 1024 });
  });

  it('need one of them elsewhere, and the error says so', () => {
    const options = { ...good, listen: { host: '0.0.0.0', port: 7400 } };
    expect(() => resolveWireOptions('Transport', options)).toThrow(
      /^Transport option listen.host = "0.0.0.0": allowed is loopback only, unless tls .* or a secret is given/,
    );
    expect(resolveWireOptions('Transport', { ...options, secret })).toMatchObject({ secret });
  });

  it.each<[string, Partial<Record<keyof ReplicationWireOptions | 'timeout', unknown>>]>([
    ['nodeName', { nodeName: '' }],
    ['nodeName', { nodeName: 's-1' }],
    ['nodeName', { nodeName: 'x'.repeat(33) }],
    ['listen.host', { listen: { port: 7400 } }],
    ['listen.port', { listen: { host: '127.0.0.1', port: 0 } }],
    ['listen.port', { listen: { host: '127.0.0.1', port: 65_536 } }],
    ['secret', { secret: 'fifteen bytes..' }],
    ['maxMessageBytes', { maxMessageBytes: 1_000 }],
    ['maxMessageBytes', { maxMessageBytes: 1e9 }],
    ['tls.key', { tls: { ca: '', cert: '' } }],
    ['"timeout"', { timeout: 5 }],
  ])('refuse a wrong %s: %j', (name, changes) => {
    const options = { ...good, ...changes } as ReplicationWireOptions;
    expect(() => resolveWireOptions('Transport', options)).toThrow(SessionConfigurationError);
    expect(() => resolveWireOptions('Transport', options)).toThrow(`Transport option ${name}`);
  });

  it('refuse certificates that cannot be used, without printing the key', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    const problem = problemOf(() => resolveWireOptions('Transport', { ...good, tls: { ca: 'ca', cert: 'cert', key } }));
    expect(problem).toMatch(/^Transport option tls = Object: allowed is ca, cert and key that belong together: /);
    expect(problem).not.toContain(key.slice(40, 60));
  });
});

function problemOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}
