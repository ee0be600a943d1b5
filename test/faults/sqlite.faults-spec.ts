import { afterAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SqliteSessionStore } from 'nestjs-session-beans/sqlite';
import { accessOf, type ClientAccess } from 'nestjs-session-beans/store-kit';
import { ManualClock } from 'nestjs-session-beans/testing';
import { withSqlite } from '../support/newer-node.js';

const LIFETIME = { idleTimeoutMs: 60_000, absoluteTimeoutMs: 600_000, unjoinedTimeoutMs: 60_000 };

let writes = 0;

function creation(access: ClientAccess, payload = '1') {
  const parts = new Map([['a', { base: null, payload }]]);
  return { mode: 'create', ...access, writeId: `w${writes++}`, lifetime: LIFETIME, parts } as const;
}

function newAccess(): ClientAccess {
  return { ...accessOf('x'.repeat(65)), key: `key${writes++}` };
}

/** @types/node of the oldest Node does not know the module. */
function sqlite(): {
  DatabaseSync: new (file: string) => {
    exec(sql: string): void;
    prepare(sql: string): { all(): unknown[] };
    close(): void;
  };
} {
  return process.getBuiltinModule('node:sqlite') as never;
}

/** A process that holds the lock of the only writer, until it is killed. */
class OtherWriter {
  private constructor(private readonly process: ChildProcess) {}

  static async lock(file: string): Promise<OtherWriter> {
    const code = `
      import { DatabaseSync } from 'node:sqlite';
      new DatabaseSync(${JSON.stringify(file)}).exec('BEGIN IMMEDIATE');
      console.log('locked');
      setInterval(() => {}, 1000);`;
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', code];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(createInterface(child.stdout), 'line');
    return new OtherWriter(child);
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

withSqlite(import.meta.filename, () => {
  const folder = mkdtempSync(join(tmpdir(), 'session-beans-sqlite-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const newFile = (): string => join(folder, `sessions${writes++}.db`);

  function opened(file: string, clock?: ManualClock): SqliteSessionStore {
    const store = new SqliteSessionStore({ file, clock });
    store.open();
    return store;
  }

  describe('the file of a SQLite store', () => {
    it('is made for its owner only, and so are the files beside it', async () => {
      const file = newFile();
      const store = opened(file);
      await store.save(creation(newAccess()));

      for (const suffix of ['', '-wal', '-shm']) expect(statSync(file + suffix).mode & 0o777).toBe(0o600);
      store.close();
    });

    it('keeps sessions for the next process', async () => {
      const [file, access] = [newFile(), newAccess()];
      const first = opened(file);
      await first.save(creation(access));
      first.close();

      const second = opened(file);
      expect(await second.load(access)).toMatchObject({ outcome: 'found' });
      second.close();
    });

    it.each([
      ['in a folder that is not there', () => join(folder, 'none/sessions.db'), /ENOENT/],
      [
        'that is no database',
        () => writtenFile('no database at all, and long enough to be looked at'),
        /not a database/,
      ],
    ])('%s ends the boot', (_, file, message) => {
      expect(() => opened(file())).toThrow(message);
    });

    it('of a newer release ends the boot, and stays as it is', () => {
      const file = newFile();
      const { DatabaseSync } = sqlite();
      const database = new DatabaseSync(file);
      database.exec('PRAGMA user_version = 1000');

      expect(() => opened(file)).toThrow('was made by a newer release');
      expect(database.prepare('SELECT name FROM sqlite_master').all()).toEqual([]);
      database.close();
    });

    it('grows no more by sessions that have expired', async () => {
      const clock = new ManualClock();
      const file = newFile();
      const first = opened(file, clock);
      for (let i = 0; i < 1_200; i++) await first.save(creation(newAccess()));
      const living = newAccess();
      clock.advance(50_000);
      await first.save(creation(living));
      clock.advance(20_000);

      await first.purge();

      const { DatabaseSync } = sqlite();
      const database = new DatabaseSync(file);
      expect(database.prepare('SELECT name FROM session_documents').all()).toEqual([
        expect.objectContaining({ name: living.key }),
      ]);
      database.close();
      first.close();
    });
  });

  describe('while another process writes', () => {
    it('a save waits, reads and other work go on, and the save is stored when that process is gone', async () => {
      const [file, access] = [newFile(), newAccess()];
      const store = opened(file);
      await store.save(creation(access));
      const other = await OtherWriter.lock(file);

      const saving = Promise.resolve(store.save(creation(newAccess())));
      let isSaved = false;
      void saving.then(() => (isSaved = true));
      expect(await store.load(access)).toMatchObject({ outcome: 'found' });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(isSaved).toBe(false);

      await other.kill();
      expect(await saving).toMatchObject({ outcome: 'saved' });
      store.close();
    });

    it('and does not end, a save fails, and was not applied', async () => {
      const file = newFile();
      const store = opened(file);
      const other = await OtherWriter.lock(file);

      await expect(store.save(creation(newAccess()))).rejects.toMatchObject({ applied: false, status: 503 });
      await other.kill();
      store.close();
    });
  });

  function writtenFile(text: string): string {
    const file = newFile();
    writeFileSync(file, text.repeat(100));
    return file;
  }
});
