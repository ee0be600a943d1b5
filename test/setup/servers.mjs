// Before all tests: the servers and the browser that they start must be installed. Root on Debian or Ubuntu gets them
// from apt; everybody else gets the command to run. `node test/setup/servers.mjs` does it by hand.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** Each server: its command, how to ask its version, the oldest one that will do, and the package that has it. */
const SERVERS = [
  { command: 'redis-server', ask: '--version', oldest: '7.0', version: /v=(\d+)\.(\d+)/, packages: ['redis-server'] },
  { command: 'postgres', ask: '--version', oldest: '13.0', version: / (\d+)[.](\d+)/, packages: ['postgresql'] },
  // Makes the certificate for Redis over TLS.
  { command: 'openssl', ask: 'version', oldest: '1.0', version: /(\d+)\.(\d+)/, packages: ['openssl'] },
  // The balancers that the files in `deploy` are for.
  { command: 'haproxy', ask: '-v', oldest: '2.4', version: /version (\d+)\.(\d+)/, packages: ['haproxy'] },
  { command: 'nginx', ask: '-v', oldest: '1.20', version: /nginx\/(\d+)\.(\d+)/, packages: ['nginx-light'] },
  // Older ones do not clear what they have prefetched when they are told to.
  { command: 'chromium', ask: '--version', oldest: '138.0', version: /Chromium (\d+)\.(\d+)/, packages: ['chromium'] },
];

const missing = SERVERS.filter((server) => !isThere(server));
if (missing.length > 0) install(missing.flatMap(({ packages }) => packages));
const stillMissing = SERVERS.filter((server) => !isThere(server));
if (stillMissing.length > 0) {
  const names = stillMissing.map(({ command, oldest }) => `${command} ${oldest} or newer`).join(', ');
  const packages = stillMissing.flatMap((server) => server.packages).join(' ');
  console.error(
    `The tests start servers and a browser of their own and need ${names}. Install it, on Debian or Ubuntu with:`,
  );
  console.error(`  sudo apt-get update && sudo apt-get install -y ${packages}`);
  process.exit(1);
}

function isThere({ command, ask, oldest, version }) {
  // Balancers are where only root looks for commands, and each release of PostgreSQL has a folder of its own.
  const path = [process.env.PATH, '/usr/local/sbin', '/usr/sbin', ...postgresFolders()];
  const env = { ...process.env, PATH: path.join(':') };
  const { status, stdout, stderr } = spawnSync(command, [ask], { encoding: 'utf8', env });
  const [, major, minor] = version.exec(`${stdout}${stderr}`) ?? [];
  const [oldestMajor, oldestMinor] = oldest.split('.').map(Number);
  return status === 0 && (major > oldestMajor || (Number(major) === oldestMajor && minor >= oldestMinor));
}

function postgresFolders() {
  const releases = '/usr/lib/postgresql';
  return existsSync(releases) ? readdirSync(releases).map((release) => `${releases}/${release}/bin`) : [];
}

function install(packages) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  console.log(`installing ${packages.join(' ')} for the tests`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0;
  // The services of the packages must not start: the tests start servers of their own. 101 means "not allowed".
  const policy = '/usr/sbin/policy-rc.d';
  const ownPolicy = !existsSync(policy);
  if (ownPolicy) spawnSync('sh', ['-c', `printf '#!/bin/sh\\nexit 101\\n' > ${policy} && chmod 755 ${policy}`]);
  try {
    apt('update', '-q');
    apt('install', '-q', '-y', '--no-install-recommends', ...packages);
  } finally {
    if (ownPolicy) spawnSync('rm', [policy]);
  }
}
