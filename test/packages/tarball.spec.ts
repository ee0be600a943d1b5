import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brokenLinks } from './broken-links.js';
import { packAndUnpackInto } from './pack.js';

const exec = promisify(execFile);
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tarballs-'));
  await packAndUnpackInto(directory);
});

afterAll(() => rm(directory, { recursive: true }));

describe.each([
  {
    name: 'nestjs-session-beans',
    beside: ['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'deploy', 'docs'],
    code: /[.](js|d[.]ts|lua|json)$/,
  },
  { name: 'nestjs-session-beans-replicated', beside: ['LICENSE', 'README.md'], code: /[.](js|d[.]ts)$/ },
])('the tarball of $name', ({ name, beside, code }) => {
  it(`holds dist, package.json, ${beside.join(', ')}, and nothing else`, async () => {
    const found = await readdir(unpacked(name));

    expect(found.toSorted()).toEqual([...beside, 'dist', 'package.json'].toSorted());
  });

  it('R50 makes no code from text', async () => {
    const paths = (await filesBelow(join(unpacked(name), 'dist'))).filter((path) => path.endsWith('.js'));
    const texts = await Promise.all(paths.map((path) => readFile(join(unpacked(name), 'dist', path), 'utf8')));
    expect(paths.filter((_, i) => /\beval\(|\bFunction\(|node:vm\b/.test(texts[i] ?? ''))).toEqual([]);
    expect(paths.length).toBeGreaterThan(20);
  });

  it('holds the JavaScript with its declarations and scripts: no specs, no source maps', async () => {
    const files = await filesBelow(join(unpacked(name), 'dist'));

    expect(files).toContain('index.js');
    expect(files).toContain('index.d.ts');
    expect(files.filter((path) => !code.test(path) || path.includes('spec.'))).toEqual([]);
  });

  it('names no source map that it does not hold', async () => {
    const files = await filesBelow(join(unpacked(name), 'dist'));
    const texts = await Promise.all(files.map((path) => readFile(join(unpacked(name), 'dist', path), 'utf8')));

    expect(files.filter((_path, i) => texts[i]?.includes('sourceMappingURL'))).toEqual([]);
  });

  it('holds the file that an entry of its exports names', async () => {
    const { exports } = await manifest(name);
    const entries = Object.values(exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Object.values(entry),
    );
    const files = await filesBelow(unpacked(name));

    expect(entries.filter((path) => !files.includes(path.replace(/^[.][/]/, '')))).toEqual([]);
  });

  it('holds every file that its README and its docs link to', () => {
    expect(brokenLinks(unpacked(name))).toEqual([]);
  });
});

describe('the tarball of nestjs-session-beans', () => {
  it('holds the Lua scripts of Redis', async () => {
    const files = await filesBelow(join(unpacked('nestjs-session-beans'), 'dist/store/redis'));

    expect(files.filter((path) => path.endsWith('.lua'))).not.toEqual([]);
  });

  it('is installed next to TypeORM, which needs ioredis 5', async () => {
    const project = await mkdtemp(join(directory, 'typeorm-'));
    await writeFile(join(project, 'package.json'), '{}');
    const packages = [
      'typeorm@1.1.1',
      '@nestjs/typeorm@12.0.2',
      'ioredis',
      join(directory, 'nestjs-session-beans.tgz'),
    ];
    await exec('npm', ['install', '--package-lock-only', '--prefer-offline', ...packages], { cwd: project });
    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as Lock;

    expect(lock.packages['node_modules/ioredis']?.version).toMatch(/^5[.]/);
  });

  it('holds nothing of the replicated store', async () => {
    const files = await filesBelow(join(unpacked('nestjs-session-beans'), 'dist'));

    expect(files.filter((path) => /replicat|grpc/.test(path))).toEqual([]);
  });
});

describe('the manifests of the packages', () => {
  it('have one version, and the replicated store needs the core in that version', async () => {
    const [core, replicated] = await Promise.all(Object.values(NAMES).map(manifest));

    expect(replicated?.version).toBe(core?.version);
    expect(replicated?.peerDependencies['nestjs-session-beans']).toBe(`^${core?.version}`);
  });

  it('R50 name no dependency that is installed along, only peers', async () => {
    for (const found of await Promise.all(Object.values(NAMES).map(manifest)))
      expect(Object.keys(found).filter((key) => /dependencies$/i.test(key))).toEqual(['peerDependencies']);
  });

  it('ask for the same versions of Node, and of every peer that both have', async () => {
    const [core, replicated] = await Promise.all(Object.values(NAMES).map(manifest));
    const shared = Object.keys(core?.peerDependencies ?? {}).filter((peer) => replicated?.peerDependencies[peer]);

    expect(shared).toEqual(expect.arrayContaining(['@nestjs/common', 'rxjs']));
    for (const peer of shared) expect(replicated?.peerDependencies[peer]).toBe(core?.peerDependencies[peer]);
    expect(replicated?.engines).toEqual(core?.engines);
  });
});

const NAMES = { core: 'nestjs-session-beans', replicated: 'nestjs-session-beans-replicated' };

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string }>>;
}

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly engines: Readonly<Record<string, string>>;
}

function unpacked(name: string): string {
  return join(directory, name, 'package');
}

async function manifest(name: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(unpacked(name), 'package.json'), 'utf8')) as Manifest;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
