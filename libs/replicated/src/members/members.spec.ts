import { describe, expect, it } from '@jest/globals';
import { Members } from './members.js';

const listOf = (...names: string[]) => names.map((name) => ({ name, host: 'h', port: 1 }));

/** Member s1, whose list had s2 and has it again. */
function returned() {
  const members = new Members('s1', '1-own', () => 1_000);
  members.update(listOf('s1', 's2', 's3'));
  const peer = members.get('s2');
  if (!peer) throw new Error('not on the list');
  peer.noteIncarnation('1-a.1');
  peer.newsKnown = 5;
  for (const other of members.others) if (other !== peer) other.newsKnown = 9;
  const told = peer.ownIncarnation;
  members.update(listOf('s1', 's3'));
  const [newsKnown, isGone] = [members.newsKnown, members.isGone('s2')];
  members.update(listOf('s1', 's2', 's3'));
  return { members, peer: members.get('s2'), told, whileOff: { newsKnown, isGone } };
}

describe('a member that was off the list', () => {
  it('is gone until it is back, and no news are forgotten that it does not know', () => {
    expect(returned().whileOff).toEqual({ newsKnown: 5, isGone: true });
  });

  it('has missed the news since then', () => {
    const { peer, members } = returned();

    expect(peer).toMatchObject({ hasMissedNews: true, newsKnown: 5 });
    expect(members.newsKnown).toBe(5);
  });

  it('is told that this member has forgotten what it gave to it', () => {
    const { peer, told } = returned();

    expect(peer?.ownIncarnation).not.toBe(told);
  });

  it('has copies from before that count if it is the same process, and not if it is another', () => {
    const { peer, members } = returned();
    const copy = { node: 's2', isOwn: false, partnerGeneration: 1 };
    peer?.noteIncarnation('1-a.1');
    expect(members.processOfPrimary(copy)).toBe('1-a');

    peer?.noteIncarnation('2-b.1');
    expect(members.processOfPrimary(copy)).toBeUndefined();
    // It began with an empty heap.
    expect(peer).toMatchObject({ hasMissedNews: false });
  });
});
