import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const hooks = join(import.meta.dirname, 'refuse-optional-peers.mjs');

describe('the main entry of the built package', () => {
  it('loads without ioredis, @nestjs/microservices and @opentelemetry/api', () => {
    expect(load('nestjs-session-beans')).toEqual({ status: 0, error: '' });
  });

  it('is checked by hooks that notice such a load', () => {
    expect(load('ioredis')).toEqual({ status: 1, error: expect.stringContaining('loads ioredis') });
  });
});

/** Imports the module in a process where resolving an optional peer is an error. */
function load(specifier: string): { status: number | null; error: string } {
  const code = `await import(${JSON.stringify(specifier)})`;
  const { status, stderr } = spawnSync(process.execPath, ['--import', hooks, '--input-type=module', '--eval', code], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  return { status, error: stderr };
}
