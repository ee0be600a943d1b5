import { expect, it } from '@jest/globals';
import { ReplicationLog } from './replication-events.js';

it('tells of many sessions in one line, and of members at once', () => {
  const lines: string[] = [];
  let now = 0;
  const log = new ReplicationLog(
    (line) => lines.push(line),
    () => now,
  );
  for (let i = 0; i < 1_000; i++) log.write({ type: 'alone', session: `session${i}` });
  log.write({ type: 'lost', session: 'another' });
  log.write({ type: 'memberLost', member: 's2' });
  log.write({ type: 'promoted', session: 'one', from: 's2' });
  now = 10_000;
  log.write({ type: 'alone', session: 'last' });
  expect(lines).toEqual([
    'session session0 has one copy only: no other member can take one',
    'session another is lost: all members that had it have lost it',
    "member 's2' does not answer; copies of its sessions are made elsewhere",
    'session last has one copy only: no other member can take one, and since the last such line 999 others did',
  ]);
});
