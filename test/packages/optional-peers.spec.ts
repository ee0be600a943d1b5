import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const hooks = join(import.meta.dirname, 'refuse-optional-peers.mjs');

describe('the entries of the built packages', () => {
  it.each([
    ['nestjs-session-beans', 'no optional peer', []],
    ['nestjs-session-beans/store-kit', 'no optional peer', []],
    ['nestjs-session-beans/sqlite', 'no optional peer', []],
    ['nestjs-session-beans/testing', 'no optional peer', []],
    ['nestjs-session-beans/express-session', 'no optional peer', []],
    ['nestjs-session-beans/request-session', 'no optional peer', []],
    ['nestjs-session-beans/postgres', 'pg', ['pg']],
    ['nestjs-session-beans/redis', 'no optional peer', []],
    ['nestjs-session-beans-replicated', '@nestjs/microservices', ['@nestjs/microservices']],
    ['nestjs-session-beans-replicated/grpc', '@grpc/grpc-js', ['@grpc/grpc-js']],
    ['nestjs-session-beans/observability', '@opentelemetry/api', ['@opentelemetry/api']],
    ['nestjs-session-beans/websockets', '@nestjs/websockets', ['@nestjs/websockets']],
  ])('%s loads with %s', (entry, _with, allowed) => {
    expect(load(entry, allowed)).toEqual({ status: 0, error: '' });
  });

  it('are checked by hooks that notice such a load', () => {
    expect(load('ioredis', [])).toEqual({ status: 1, error: expect.stringContaining('loads ioredis') });
  });
});

/** Imports the module in a process where resolving an optional peer, except those allowed, is an error. */
function load(specifier: string, allowed: readonly string[]): { status: number | null; error: string } {
  const code = `await import(${JSON.stringify(specifier)})`;
  const { status, stderr } = spawnSync(process.execPath, ['--import', hooks, '--input-type=module', '--eval', code], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    env: { ...process.env, ALLOWED: allowed.join(',') },
  });
  return { status, error: stderr };
}
