import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../measure/free-port.mjs';
import { LOAD_CORE } from '../measure/cores.mjs';
import { library } from './library.mjs';

/**
 * The store of the measured server, one of two that replicate sessions. The other server runs on the core of the load,
 * where Redis runs for other contestants.
 */
export async function replicatedStore(maxSessions) {
  const ports = [await freePort(), await freePort()];
  const backup = fork(join(import.meta.dirname, 'replication-backup.mjs'), [...ports, maxSessions].map(String), {
    execPath: 'taskset',
    execArgv: ['-c', LOAD_CORE, process.execPath],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(backup, 'message');
  backup.unref();
  backup.channel.unref();
  return memberStore('s1', ports, maxSessions);
}

/** @param {'s1' | 's2'} nodeName */
export async function memberStore(nodeName, ports, maxSessions) {
  const { ReplicatedSessionStore } = await library('nestjs-session-beans-replicated');
  const members = ports.map((port, i) => ({ name: `s${i + 1}`, host: '127.0.0.1', port: Number(port) }));
  const secret = 'a-secret-of-at-least-thirty-two-characters';
  return new ReplicatedSessionStore({
    nodeName,
    members,
    secret,
    maxSessions: Number(maxSessions),
    maxBytes: 4 * 1024 ** 3,
  });
}
