import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConsumerApplication } from './consumer-application.js';
import { describeReadmeExample } from './describe-readme-example.js';

interface Manifest {
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, unknown>>;
}

const core = readManifest('session');
const replicated = readManifest('replicated');

describe('the core in an application that has Fastify and the peers it requires', () => {
  let application: ConsumerApplication;

  beforeAll(async () => {
    application = await ConsumerApplication.install('core-alone');
    await application.compile();
  });

  afterAll(() => application?.remove());

  it('requires four packages', () => {
    const required = Object.keys(core.peerDependencies).filter((peer) => !(peer in core.peerDependenciesMeta));

    expect(required).toEqual(['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs']);
  });

  it('brings no optional peer, nothing of the replicated store and no Express', () => {
    const optional = Object.keys({ ...core.peerDependenciesMeta, ...replicated.peerDependenciesMeta });
    const others = ['@nestjs/microservices', '@nestjs/platform-express', 'nestjs-session-beans-replicated'];

    expect([...optional, ...others].filter((name) => application.hasInstalled(name))).toEqual([]);
    expect(application.hasInstalled('nestjs-session-beans')).toBe(true);
  });

  describeReadmeExample('fastify', () => application);
});

function readManifest(folder: string): Manifest {
  const path = join(import.meta.dirname, '../../libs', folder, 'package.json');
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
}
