import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsumerApplication } from '../packages/consumer-application.js';
import { Client } from '../support/client.js';

const swc = { '@swc/cli': '0.8.1', '@swc/core': '1.16.18' };

const rspack = {
  '@rspack/core': '2.3.4',
  'tsconfig-paths-webpack-plugin': '4.2.0',
  'webpack-node-externals': '3.0.0',
};

const projects = [
  {
    fixture: 'nest11-commonjs',
    builders: ['tsc', 'webpack', 'swc'],
    devDependencies: { '@nestjs/cli': '11.0.24', '@nestjs/schematics': '11.1.0', 'ts-loader': '9.6.2', ...swc },
  },
  {
    fixture: 'nest12-esm',
    // Its webpack builder takes no ES modules.
    builders: ['tsc', 'rspack', 'swc'],
    devDependencies: { '@nestjs/cli': '12.0.8', '@nestjs/schematics': '12.0.6', ...rspack, ...swc },
  },
];

describe.each(projects)('`nest build` of $fixture', ({ fixture, builders, devDependencies }) => {
  let application: ConsumerApplication;

  beforeAll(async () => {
    application = await ConsumerApplication.install(fixture, { devDependencies });
  });

  afterAll(() => application?.remove());

  it.each(builders)('makes a server that keeps sessions, with %s', async (builder) => {
    await rm(join(application.directory, 'dist'), { recursive: true, force: true });
    await application.runTool('nest', 'build', '--builder', builder);
    const client = new Client(await application.start('express'));

    expect(await client.text('/count')).toBe('counter=1');
    expect(await client.text('/count')).toBe('counter=2');
  });
});
