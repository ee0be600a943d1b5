import { describe, expect, it } from '@jest/globals';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import type { ServerAnnouncement } from '../store/session-store.js';
import { DeploymentCheck } from './deployment-check.js';
import { type SessionModuleOptions, resolveOptions } from './session.options.js';

const [OLD, NEW, OTHER] = ['old'.padEnd(16, '.'), 'new'.padEnd(16, '.'), 'other'.padEnd(16, '.')] as const;

/** Servers announce themselves here, one after the other. */
class Announcements extends MemorySessionStore {
  readonly said: string[] = [];

  async announce(facts: string): Promise<readonly ServerAnnouncement[]> {
    const others = this.said.filter((each) => each !== facts).map((each) => ({ facts: each, ageMs: 180_000 }));
    this.said.push(facts);
    return others;
  }
}

/** The risks of the last of these servers, as one text each. */
async function warningsOf(store: Announcements, ...servers: SessionModuleOptions[]): Promise<string[]> {
  let risks: string[] = [];
  for (const options of servers) {
    const found = await new DeploymentCheck(store, resolveOptions(options)).risks();
    risks = found.map(({ meaning, fix }) => `${meaning} ${fix}`);
  }
  return risks;
}

describe('servers of one store', () => {
  it.each<[string, SessionModuleOptions, SessionModuleOptions]>([
    ['with the same options', { signingKeys: [OLD] }, { signingKeys: [OLD] }],
    [
      'that differ in the order of keys, while both accept both',
      { signingKeys: [OLD, NEW] },
      { signingKeys: [NEW, OLD] },
    ],
    ['that differ where each may', { nodeName: 's1' }, { nodeName: 's2' }],
  ])('are not warned of each other %s', async (_title, first, second) => {
    expect(await warningsOf(new Announcements(), first, second)).toEqual([]);
  });

  it.each<[SessionModuleOptions, SessionModuleOptions, string]>([
    [{}, { idleTimeoutMs: 900_000 }, 'idleTimeoutMs is 1800000 there and 900000 here'],
    [{}, { idTransport: 'header' }, 'idTransport is cookie there and header here'],
    [{ cookie: { name: 'a' } }, { cookie: { name: 'b' } }, 'cookie.name is a there and b here'],
    [
      { signingKeys: [OLD] },
      { signingKeys: [OTHER] },
      'ids that it signs are refused here; signingKeys: ids that this',
    ],
    [{ signingKeys: [OLD] }, { signingKeys: [NEW, OLD] }, 'signingKeys: ids that this server signs are refused there'],
    [{ signingKeys: [NEW, OLD] }, { signingKeys: [OLD] }, 'signingKeys: ids that it signs are refused here'],
    [{ signingKeys: [OLD] }, {}, 'signingKeys: ids that it signs are refused here'],
    [{}, { signingKeys: [OLD] }, 'signingKeys: ids that it signs are refused here'],
  ])('are warned: %j and %j', async (first, second, text) => {
    const warnings = await warningsOf(new Announcements(), first, second);
    expect(warnings).toEqual([expect.stringContaining(text)]);
    expect(warnings[0]).toContain('It was there 3 minutes ago');
  });

  it('say nothing from which a key could be had, and are read if they are of another release', async () => {
    const store = new Announcements();
    store.said.push('no JSON', JSON.stringify({ signingKeys: 'x', later: true }));
    await warningsOf(store, { signingKeys: [OLD] });
    expect(store.said.join()).not.toContain('old');
  });

  it.each(['null', '7', '[]', '{"idTransport":{"toString":1}}', '{"signingKeys":[[]],"idleTimeoutMs":null}', '{"a":'])(
    'boot whatever another one says: %s',
    async (text) => {
      const store = new Announcements();
      store.said.push(text);
      const warnings = await warningsOf(store, {});
      expect(store.said).toHaveLength(2);
      for (const warning of warnings) expect(warning).toContain('configured differently');
    },
  );
});
