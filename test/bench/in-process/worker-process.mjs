import { fork } from 'node:child_process';
import { join } from 'node:path';
import { SERVER_CORE } from '../measure/cores.mjs';

/** A worker process on the server's core, and the commands that it obeys. */
export class WorkerProcess {
  #child;
  #pending = new Map();
  #ids = 0;

  /**
   * @param {string} name of the contestant
   * @param {{ node?: string, redisPort?: number, library?: string, options?: object, execArgv?: string[] }} settings
   */
  static async start(name, { node = process.execPath, redisPort = 0, library, options = {}, execArgv = [] } = {}) {
    const worker = new WorkerProcess();
    const child = fork(join(import.meta.dirname, 'worker.mjs'), [name, String(redisPort), JSON.stringify(options)], {
      execPath: 'taskset',
      execArgv: ['-c', SERVER_CORE, node, '--expose-gc', ...execArgv],
      env: { ...process.env, NODE_ENV: 'production', ...(library && { BENCH_LIBRARY: library }) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    worker.#child = child;
    child.on('message', ({ id, result, error }) => {
      const waiting = worker.#pending.get(id);
      worker.#pending.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    child.on('exit', (code) => {
      for (const { reject } of worker.#pending.values()) reject(new Error(`the worker of ${name} ended with ${code}`));
    });
    await new Promise((resolve, reject) => worker.#pending.set(0, { resolve, reject }));
    return worker;
  }

  get pid() {
    return this.#child.pid;
  }

  /** @returns {Promise<any>} what the worker answers */
  do(command, parameters = {}) {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#child.send({ id, command, ...parameters });
    });
  }

  stop() {
    if (this.#child.exitCode !== null) return Promise.resolve();
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    return ended;
  }
}
