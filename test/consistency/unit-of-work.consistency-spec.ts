import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SummedCounter } from './counters.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedServer } from './simulated-server.js';
import type { BeforeBeanSaved, OnBeanCreated } from '../../libs/session/src/bean/bean-life-cycle.js';
import type { SessionBean } from '../../libs/session/src/bean/session-bean.js';
import { SessionScoped } from '../../libs/session/src/bean/session-scoped.decorator.js';
import type { LiveSession } from '../../libs/session/src/live/live-session.js';
import { PendingCommit } from '../../libs/session/src/live/pending-commit.js';
import { UnitOfWork } from '../../libs/session/src/request/unit-of-work.js';
import { accessOf, sessionHash } from '../../libs/session/src/store/session-id.js';
import { MemorySessionStore } from '../../libs/session/src/store/memory/memory-session-store.js';

@SessionScoped({ name: 'note', onUndecodable: 'reset' })
class Note implements OnBeanCreated {
  text = '';
  createdBy: string | undefined;

  onBeanCreated(): void {
    this.createdBy = 'hook';
  }
}

@SessionScoped({ name: 'index' })
class Index implements BeforeBeanSaved {
  static beforeSave: () => void = () => undefined;
  words = 0;

  beforeBeanSaved(): void {
    Index.beforeSave();
  }
}

async function setUp() {
  const store = new MemorySessionStore();
  const server = new SimulatedServer({ store, beans: [Note, Index] });
  const client = await server.startSession((request) => void (request.bean(Note).text = 'one'));
  return { store, server, client, access: accessOf(client.id as string) };
}

describe('UnitOfWork', () => {
  it('sees the state of one moment whatever others store, and a newer one after a commit', async () => {
    const { server, client } = await setUp();
    const request = await server.request(client.copy()).begin();
    await server.handle(client.copy(), (other) => void (other.bean(Note).text = 'two'));
    expect(request.bean(Note).text).toBe('one');
    await request.commit();
    expect(request.bean(Note).text).toBe('two');
    request.end();
  });

  it('keeps the instance over a commit, so that references to it stay valid', async () => {
    const { server, client } = await setUp();
    await server.handle(client, async (request) => {
      const note = request.bean(Note);
      note.text = 'mine';
      await request.commit();
      expect(request.bean(Note)).toBe(note);
    });
  });

  it('counts the changes of others once, however often it is brought up', async () => {
    const network = (): Promise<void> => nextTurn();
    const cluster = new SimulatedCluster({ servers: 1, beans: [SummedCounter], network });
    const client = await cluster.server(0).startSession();
    const [one, other] = await Promise.all([0, 1].map(() => cluster.server(0).request(client.copy()).begin()));
    if (!one || !other) throw new Error('unreachable');
    one.bean(SummedCounter).value += 1;
    other.bean(SummedCounter).value += 10;
    // Stores what the request has changed, and brings it up; then, with the lock, brings it up again.
    const exclusive = one.http.runExclusive(() => one.bean(SummedCounter).value);
    await other.respond();
    expect(await exclusive).toBe(11);
    await one.respond();
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 11 });
  });

  it('stores the values that onBeanCreated sets, but not the defaults of a bean that was only read', async () => {
    const { store, server, access } = await setUp();
    const found = store.load(access);
    expect(found).toMatchObject({
      record: { parts: new Map([['note', expect.objectContaining({ payload: expect.stringContaining('hook') })]]) },
    });
    const client = await server.startSession((request) => void request.bean(Index).words);
    const other = store.load(accessOf(client.id as string));
    expect(other).toMatchObject({ record: { parts: new Map() } });
  });

  it('stores changes that beforeBeanSaved of one bean makes to another bean', async () => {
    const { server, client } = await setUp();
    await server.handle(client, async (request) => {
      // This bean is touched before the bean with the hook. It is checked again after all hooks.
      const note = request.bean(Note);
      Index.beforeSave = () => void (note.text = 'from the hook');
      request.bean(Index).words = 1;
      await request.commit();
      Index.beforeSave = () => undefined;
    });
    expect(await server.handle(client, (request) => request.bean(Note).text)).toBe('from the hook');
  });

  it('starts a new bean in place of an undecodable one if so configured, and reports it', async () => {
    const { store, server, client, access } = await setUp();
    const found = store.load(access);
    const base = found.outcome === 'found' ? found.record.parts.get('note')?.version : undefined;
    const parts = new Map([['note', { base: base ?? null, payload: 'damaged' }]]);
    store.save({ access, writeId: 'x', mode: 'update', parts });
    const told: unknown[] = [];
    server.events.on('undecodable', (event) => told.push(event));
    await server.handle(client, (request) => {
      expect(request.bean(Note).text).toBe('');
      request.bean(Note).text = 'again';
    });
    const session = expect.objectContaining({ hash: sessionHash(access.key) });
    expect(told).toEqual([expect.objectContaining({ session, bean: 'note' })]);
    expect(await server.handle(client, (request) => request.bean(Note).text)).toBe('again');
  });

  it('names the beans that are stored and those that were touched', async () => {
    const { server, client } = await setUp();
    await server.handle(client, (request) => {
      expect(request.session.unit?.beanNames()).toEqual(['note']);
      request.bean(Index);
      expect(request.session.unit?.beanNames()).toEqual(['note', 'index']);
    });
  });

  it('checks an instance that was given away at every commit', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore(), beans: [Note] });
    const client = await server.startSession((request) => void (request.bean(Note).text = 'one'));
    await server.handle(client, async (request) => {
      request.session.unit?.watchAll();
      const note = request.session.unit?.instanceOf(server.beans.find(Note) as SessionBean) as Note;
      await request.commit();
      note.text = 'after the commit';
    });
    expect(await server.handle(client, (request) => request.bean(Note).text)).toBe('after the commit');
  });

  it('depends on commits that it has seen before they were stored, unless these bind no reader', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans: [SummedCounter], network: () => nextTurn() });
    const server = cluster.server(0);
    const client = await server.startSession();
    const live = (await server.liveSessions.acquire(accessOf(client.id as string))) as LiveSession;
    const bean = server.beans.find(SummedCounter) as SessionBean;
    for (const bindsReaders of [true, false]) {
      const base = live.snapshot().payloads.get(bean.name) ?? null;
      const counter = bean.create() as SummedCounter;
      const reference = base ?? bean.state.encode(counter);
      counter.value += bindsReaders ? 1 : 2;
      const commit = new PendingCommit([{ bean, base, reference, mine: bean.state.encode(counter) }]);
      commit.bindsReaders = bindsReaders;
      const stored = live.commit(commit);
      const unit = new UnitOfWork(live, () => undefined);
      unit.instanceOf(bean);
      expect(unit.dependencies()).toEqual(bindsReaders ? [commit] : []);
      await stored;
    }
    server.liveSessions.release(live);
  });
});
