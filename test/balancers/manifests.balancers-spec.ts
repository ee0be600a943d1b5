import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/sample.config.js';

/** The parser that jest depends on. */
const { safeLoadAll } = createRequire(import.meta.url)('js-yaml') as { safeLoadAll: (text: string) => unknown[] };

type Environment = Record<string, string>;

interface ComposeService {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly mem_limit?: string;
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Record<string, string | number>;
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[] | Record<string, unknown>;
}

interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly serviceName?: string;
    readonly replicas?: number;
    readonly ordinals?: { readonly start: number };
    readonly selector?: { readonly app?: string; readonly matchLabels?: { readonly app: string } };
    readonly ports?: readonly { readonly port: number; readonly targetPort?: string }[];
    readonly podSelector?: { readonly matchLabels: { readonly app: string } };
    readonly ingress?: readonly { readonly from?: readonly object[] }[];
    readonly template?: {
      readonly metadata: { readonly labels: { readonly app: string } };
      readonly spec: {
        readonly terminationGracePeriodSeconds?: number;
        readonly automountServiceAccountToken?: boolean;
        readonly securityContext?: object;
        readonly containers: readonly {
          readonly name: string;
          readonly image: string;
          readonly securityContext?: object;
          readonly resources?: { readonly limits?: Record<string, string> };
          readonly args?: readonly string[];
          readonly env?: readonly EnvironmentVariable[];
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly readinessProbe?: { readonly httpGet?: { readonly path: string } };
          readonly livenessProbe?: { readonly httpGet?: { readonly path: string } };
        }[];
      };
    };
  };
}

const PATTERNS = ['cached', 'external', 'replicated', 'sticky'];
const SERVERS = ['s1', 's2', 's3'];

/** The variables that the sample reads. A misspelt name in a manifest would have no effect, and no error. */
const known = new Set(
  readdirSync('src')
    .filter((file) => /^environment[.]ts$|[.]config[.]ts$/.test(file))
    .flatMap((file) => [...readFileSync(join('src', file), 'utf8').matchAll(/'([A-Z][A-Z_]+)'/g)])
    .map(([, name]) => name as string),
);

/** The variables that a balancer's configuration uses. */
const placeholders = (file: string): string[] =>
  [
    ...new Set([...readFileSync(file, 'utf8').matchAll(/\$\{([A-Z]\w*)\}/g)].map(([, name]) => name as string)),
  ].toSorted();

function expectGoodServers(pattern: string, environments: readonly Environment[]): void {
  expect(environments.length).toBe(3);
  for (const environment of environments) {
    expect([...known]).toEqual(expect.arrayContaining(Object.keys(environment)));
    const { pattern: read, drainMs, replication, nodeName } = readConfig(environment);
    expect(read).toBe(pattern);
    // HAProxy must notice within this time that the server leaves.
    expect(drainMs).toBeGreaterThanOrEqual(2_000);
    expect(replication?.members.map(({ name }) => name) ?? SERVERS).toEqual(SERVERS);
    expect(replication === undefined || SERVERS.includes(nodeName ?? '')).toBe(true);
  }
  const names = environments.map((environment) => environment['NODE_NAME']);
  expect(pattern === 'external' || names.join() === SERVERS.join()).toBe(true);
}

it('deploy has files for patterns 2 to 5', () => {
  for (const directory of ['compose', 'kubernetes']) {
    expect(readdirSync(join('deploy', directory)).toSorted()).toEqual(PATTERNS.map((pattern) => `${pattern}.yaml`));
  }
});

describe.each(PATTERNS)('deploy/compose/%s.yaml', (pattern) => {
  const directory = 'deploy/compose';
  const [file] = safeLoadAll(readFileSync(join(directory, `${pattern}.yaml`), 'utf8')) as [
    { readonly services: Record<string, ComposeService>; readonly volumes?: Record<string, unknown> },
  ];
  const { services } = file;

  it('configures three servers of the sample', () => {
    const environments = SERVERS.map((name) => {
      const { environment = {} } = services[name] as ComposeService;
      const texts = Object.entries(environment).map(([key, value]) => [
        key,
        `${value}`.replace(/\$\{.*\}/, 'x'.repeat(32)),
      ]);
      return Object.fromEntries(texts) as Environment;
    });
    expectGoodServers(pattern, environments);
    const hosts = environments.flatMap(({ PEERS = '', REDIS_URL = '' }) =>
      [...`${PEERS},${REDIS_URL}`.matchAll(/(?:=|@)([\w-]+):\d+/g)].map(([, host]) => host as string),
    );
    expect(Object.keys(services)).toEqual(expect.arrayContaining(hosts));
  });

  it('refers only to existing files and services', () => {
    const builds = Object.values(services).flatMap(({ build }) => build ?? []);
    expect(builds).toHaveLength(3);
    for (const { context, dockerfile } of builds) expect(existsSync(join(directory, context, dockerfile))).toBe(true);
    for (const { volumes = [], depends_on: needed = [] } of Object.values(services)) {
      const needs = Array.isArray(needed) ? needed : Object.keys(needed);
      expect(Object.keys(services)).toEqual(expect.arrayContaining(needs as string[]));
      for (const [source = ''] of volumes.map((volume) => volume.split(':'))) {
        expect(source.startsWith('.') ? existsSync(join(directory, source)) : source in (file.volumes ?? {})).toBe(
          true,
        );
      }
    }
  });

  it('is what a review by operators asks for', () => {
    for (const [name, service] of Object.entries(services)) {
      const isBalancer = ['balancer', 'nginx'].includes(name);
      const isOurs = service.build !== undefined;
      expect([name, isOurs || /:\d+\.\d+\.\d+/.test(service.image)]).toEqual([name, true]);
      expect([name, service.mem_limit === undefined]).toEqual([name, false]);
      expect([name, service.networks]).toEqual([name, isBalancer ? ['outside', 'inside'] : ['inside']]);
      expect([name, service.ports === undefined]).toEqual([name, !isBalancer]);
    }
    // nginx writes its configuration when it starts.
    const { nginx: _, ...confined } = services;
    for (const service of Object.values(confined)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    }
    expect(services['redis']?.command ?? ['--requirepass']).toContain('--requirepass');
  });

  it('gives the balancers exactly the variables that their files use', () => {
    const { balancer, nginx } = services as Record<'balancer' | 'nginx', ComposeService>;
    const configurations = (balancer.command ?? []).filter((word) => word.endsWith('.cfg'));
    expect(
      configurations.map((path) => path.replace('/etc/haproxy', 'deploy/haproxy')).every((path) => existsSync(path)),
    ).toBe(true);
    const wanted = placeholders((configurations.at(-1) ?? '').replace('/etc/haproxy', 'deploy/haproxy'));
    expect(Object.keys(balancer.environment ?? {}).toSorted()).toEqual(wanted);
    const template = (nginx.volumes ?? [])
      .map((volume) => volume.split(':')[0] ?? '')
      .find((path) => path.endsWith('.template'));
    expect(Object.keys(nginx.environment ?? {}).toSorted()).toEqual(placeholders(join(directory, template ?? '')));
  });
});

describe.each(PATTERNS)('deploy/kubernetes/%s.yaml', (pattern) => {
  const text = readFileSync(`deploy/kubernetes/${pattern}.yaml`, 'utf8');
  const manifests = safeLoadAll(text) as Manifest[];
  const named = (kind: string, name: string): Manifest | undefined =>
    manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  const sample = named(pattern === 'external' ? 'Deployment' : 'StatefulSet', 'sample') as Manifest;
  const [container] = sample.spec.template?.spec.containers ?? [];

  it('configures three servers of the sample', () => {
    const { replicas = 0, ordinals = { start: 0 } } = sample.spec;
    const environments = Array.from({ length: replicas }, (_, i) => {
      const index = { POD_INDEX: `${ordinals.start + i}` };
      // The sample does not read these: other variables are made of them.
      const variables = (container?.env ?? []).filter(({ name }) => !['POD_INDEX', 'REDIS_PASSWORD'].includes(name));
      const filledIn = (value = 'x'.repeat(32)): string =>
        value.replace('$(POD_INDEX)', index.POD_INDEX).replace('$(REDIS_PASSWORD)', 'x'.repeat(32));
      return Object.fromEntries(variables.map(({ name, value }) => [name, filledIn(value)]));
    });
    expectGoodServers(pattern, environments);
  });

  it('names only secrets and configuration that its first lines create', () => {
    for (const { name, key } of (container?.env ?? []).flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? [])) {
      const commands = text.replaceAll(/ \\\n#/g, '');
      expect(commands).toMatch(new RegExp(`^#.*generic ${name} .*--from-literal=${key}=`, 'm'));
    }
    const args = named('Deployment', 'balancer')?.spec.template?.spec.containers[0]?.args ?? [];
    for (const path of args.filter((word) => word.endsWith('.cfg'))) {
      const file = path.replace('/etc/balancer', 'deploy/haproxy');
      expect([existsSync(file), text.includes(`--from-file=${file}`)]).toEqual([true, true]);
    }
  });

  it('selects existing pods, and gives the balancer exactly the variables that its file uses', () => {
    const labels = manifests.map(({ spec }) => spec.template?.metadata.labels.app);
    const services = manifests.filter(({ kind }) => kind === 'Service');
    for (const { spec } of services) expect(labels).toContain(spec.selector?.app);
    for (const { spec } of manifests.filter(({ kind }) => kind === 'StatefulSet')) {
      expect(services.map(({ metadata }) => metadata.name)).toContain(spec.serviceName);
    }
    const balancer = named('Deployment', 'balancer')?.spec.template?.spec.containers[0];
    const file = balancer?.args?.at(-1)?.replace('/etc/balancer', 'deploy/haproxy');
    const wanted = file === undefined ? [] : placeholders(file);
    expect((balancer?.env ?? []).map(({ name }) => name).toSorted()).toEqual(wanted);
    expect(balancer === undefined).toBe(pattern === 'external');
    const hosts = (balancer?.env ?? []).map(({ value = '' }) => value).filter((value) => !value.startsWith(':'));
    const pods = SERVERS.map((_, i) => `sample-${(sample.spec.ordinals?.start ?? 0) + i}.members:3000`);
    expect(hosts).toEqual(balancer ? pods : []);
  });

  it('is what a review by operators asks for', () => {
    for (const { spec } of manifests) {
      const pod = spec.template?.spec;
      if (!pod) continue;
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const { name, image, securityContext, resources } of pod.containers) {
        expect([name, name === 'sample' || /:\d+\.\d+\.\d+/.test(image)]).toEqual([name, true]);
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(resources?.limits?.['memory']).toMatch(/^\d+Mi$/);
      }
    }
    expect(named('StatefulSet', 'redis')?.spec.template?.spec.containers[0]?.args ?? ['--requirepass']).toContain(
      '--requirepass',
    );
  });

  it('lets only those connect to a pod who have to', () => {
    const pods = manifests.flatMap(({ spec }) => spec.template?.metadata.labels.app ?? []);
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
    expect(policies.map(({ spec }) => spec.podSelector?.matchLabels.app ?? '').toSorted()).toEqual(pods.toSorted());
    const open = policies.filter(({ spec }) => spec.ingress?.some(({ from }) => from === undefined));
    expect(open.map(({ metadata }) => metadata.name)).toEqual([pattern === 'external' ? 'sample' : 'balancer']);
  });

  it('checks readiness by /health and liveness by /ping, and leaves time to drain', () => {
    expect(container?.readinessProbe?.httpGet?.path).toBe('/health');
    expect(container?.livenessProbe?.httpGet?.path).toBe('/ping');
    const drainMs = Number(container?.env?.find(({ name }) => name === 'DRAIN_MS')?.value);
    expect((sample.spec.template?.spec.terminationGracePeriodSeconds ?? 0) * 1_000).toBeGreaterThan(drainMs * 2);
    expect(container?.ports.map(({ containerPort }) => containerPort)).toContain(3000);
  });
});

describe('deploy/pairs.mjs', () => {
  const write = (...args: string[]): string =>
    spawnSync(process.execPath, ['deploy/pairs.mjs', ...args], { encoding: 'utf8' }).stdout;

  it.each([
    ['haproxy', 'deploy/haproxy/primary-backup-exact.cfg'],
    ['nginx', 'deploy/nginx/primary-backup.conf.template'],
  ])('%s writes exactly %s', (kind, file) => {
    expect(write(kind, ...SERVERS)).toBe(readFileSync(file, 'utf8'));
  });

  it('writes a section for each pair of five servers', () => {
    const names = ['s1', 's2', 's3', 's4', 's5'];
    expect(write('haproxy', ...names).match(/^backend pair_s\d_s\d$/gm)).toHaveLength(20);
    expect(write('nginx', ...names).match(/^upstream pair_s\d_s\d \{$/gm)).toHaveLength(20);
  });
});

it('the Dockerfile copies only existing files', () => {
  const sources = [...readFileSync('deploy/Dockerfile', 'utf8').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(
    ([, list = '']) => list.split(' '),
  );
  expect(sources.length).toBeGreaterThan(0);
  expect(sources.filter((source) => !existsSync(source))).toEqual([]);
});
