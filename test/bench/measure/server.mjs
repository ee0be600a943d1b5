import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SERVER_CORE } from './cores.mjs';
import { cpuTimeUs } from './cpu-time.mjs';

const SCRIPT = join(import.meta.dirname, '../apps/serve.mjs');

/** A contestant that listens, in a process of its own on the server's core. The caller stops it. */
export class Server {
  #child;

  constructor(child, port) {
    this.#child = child;
    this.port = port;
  }

  static async start(name, { node, redisPort }) {
    const child = fork(SCRIPT, [name, String(redisPort)], {
      execPath: 'taskset',
      execArgv: ['-c', SERVER_CORE, node, '--expose-gc', '--disable-warning=ExperimentalWarning'],
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += chunk));
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the server ${name} ended with ${code}: ${errors}`);
    });
    const [{ port }] = await Promise.race([once(child, 'message'), ended]);
    ended.catch(() => undefined);
    return new Server(child, port);
  }

  get cpuUs() {
    return cpuTimeUs(this.#child.pid);
  }

  /** Memory in bytes, after a full garbage collection. */
  async memory() {
    const answer = once(this.#child, 'message');
    this.#child.send('memory');
    return (await answer)[0];
  }

  async stop() {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
