import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type DocumentRead, type DocumentWrite, DocumentSessionStore } from 'nestjs-session-beans/store-kit';
import { describeSessionStore, ManualClock } from 'nestjs-session-beans/testing';
import { firstDifference, storeCommands } from './store-commands.js';

interface Row {
  readonly text: string;
  readonly revision: number;
  readonly expiresAt: number;
}

/** The rows of a database, which several servers use. */
class Table {
  readonly rows = new Map<string, Row>();

  /** Fails the next calls of this kind. */
  fails: 'read' | 'replace' | undefined;

  constructor(readonly clock: ManualClock) {}

  read(name: string): DocumentRead<number> {
    if (this.fails === 'read') throw new Error('the line is cut');
    return { now: this.clock.now(), document: this.rows.get(name) };
  }

  replace(name: string, { text, expiresAt, revision = 0 }: DocumentWrite<number>): boolean {
    if (this.fails === 'replace') throw new Error('the line is cut');
    if ((this.rows.get(name)?.revision ?? 0) !== revision) return false;
    this.rows.set(name, { text, expiresAt, revision: revision + 1 });
    return true;
  }

  /** As a database does that deletes what has expired. */
  purge(): void {
    for (const [name, { expiresAt }] of this.rows) if (expiresAt <= this.clock.now()) this.rows.delete(name);
  }
}

class StoreAtOnce extends DocumentSessionStore {
  readonly name = 'table';

  constructor(protected readonly table: Table) {
    super();
  }

  protected read(name: string): DocumentRead<number> {
    return this.table.read(name);
  }

  protected replace(name: string, document: DocumentWrite<number>): boolean {
    return this.table.replace(name, document);
  }
}

/** Answers later, and not in the order of the calls. */
class StoreLater extends DocumentSessionStore {
  readonly name = 'table';
  private calls = 0;

  constructor(private readonly table: Table) {
    super();
  }

  protected read(name: string): Promise<DocumentRead<number>> {
    return this.later(() => {
      this.table.purge();
      return this.table.read(name);
    });
  }

  protected replace(name: string, document: DocumentWrite<number>): Promise<boolean> {
    return this.later(() => this.table.replace(name, document));
  }

  private async later<T>(call: () => T): Promise<T> {
    for (let turns = this.calls++ % 3; turns > 0; turns--) await Promise.resolve();
    return call();
  }
}

function tablesByNamespace(): (setup: { clock: ManualClock; namespace: string }) => Table {
  const tables = new Map<string, Table>();
  return ({ clock, namespace }) => {
    const table = tables.get(namespace) ?? new Table(clock);
    tables.set(namespace, table);
    return table;
  };
}

const atOnce = tablesByNamespace();
describeSessionStore('documents, at once', (setup) => new StoreAtOnce(atOnce(setup)), { runner: { describe, it } });

const later = tablesByNamespace();
describeSessionStore('documents, later', (setup) => new StoreLater(later(setup)), { runner: { describe, it } });

describe('a store on documents', () => {
  const lifetime = { idleTimeoutMs: 60_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 60_000 };
  const access = { key: 'key', proof: 'proof' };
  const stranger = { key: 'key', proof: 'other' };
  const creation = { mode: 'create', ...access, writeId: 'w1', lifetime, parts: new Map() } as const;
  const update = { mode: 'update', access, writeId: 'w2', parts: new Map() } as const;

  async function storeWithSession(): Promise<{ store: StoreAtOnce; table: Table }> {
    const table = new Table(new ManualClock());
    const store = new StoreAtOnce(table);
    await store.save(creation);
    return { store, table };
  }

  it('answers all calls as the model does', async () => {
    await fc.assert(
      fc.asyncProperty(storeCommands, async (commands) => {
        expect(await firstDifference((clock) => new StoreAtOnce(new Table(clock)), commands)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('answers at once where the database does', async () => {
    const { store } = await storeWithSession();

    expect(store.load(access)).toMatchObject({ outcome: 'found' });
    expect(store.save(update)).toMatchObject({ outcome: 'saved' });
  });

  it('a save whose reading failed was not applied; of one whose writing failed that is unknown', async () => {
    const { store, table } = await storeWithSession();
    const failsWith = (applied: false | 'unknown') =>
      expect(async () => store.save(update)).rejects.toMatchObject({
        detail: `session store 'table' could not save: the line is cut`,
        applied,
      });

    table.fails = 'read';
    await failsWith(false);
    table.fails = 'replace';
    await failsWith('unknown');
  });

  it.each(['junk', 'null', '[]', '{"format":1}', '{"markedUntil":"x"}', '{"format":1,"proof":"proof","history":{}}'])(
    'leaves the damaged document %s as it is, and calls it damaged',
    async (text) => {
      const { store, table } = await storeWithSession();
      const damaged = { ...(table.rows.get('key') as Row), text };
      table.rows.set('key', damaged);

      for (const call of [() => store.load(access, { touchAfterMs: 0 }), () => store.save(update)])
        await expect(async () => call()).rejects.toMatchObject({ reason: 'undecodable' });
      expect(table.rows.get('key')).toBe(damaged);
    },
  );

  it('[I11] calls a document of a newer release newer, and only to a caller who may have it', async () => {
    const { store, table } = await storeWithSession();
    const row = table.rows.get('key') as Row;
    const { proof, history } = JSON.parse(row.text) as Record<string, unknown>;
    table.rows.set('key', { ...row, text: JSON.stringify({ format: 2, proof, history }) });

    for (const call of [
      () => store.load(access),
      () => store.touch(access),
      () => store.save(update),
      () => store.save(creation),
    ])
      await expect(async () => call()).rejects.toMatchObject({ reason: 'newer-version' });
    expect(store.load(stranger)).toEqual({ outcome: 'none' });
    expect(store.save({ ...update, access: stranger })).toEqual({ outcome: 'gone' });
    expect(store.destroy(access)).toEqual({ outcome: 'ended' });
  });

  it('gives the database the end of life, so that it can delete what is over', async () => {
    const { store, table } = await storeWithSession();
    const expiresAt = table.clock.now() + 60_000;
    expect(table.rows.get('key')).toMatchObject({ expiresAt });

    await store.destroy(access);
    expect(table.rows.get('key')).toMatchObject({ expiresAt: table.clock.now() + 90_000 });
  });
});
