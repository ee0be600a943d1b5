import { describe, expect, it } from '@jest/globals';
import type { Witness } from '../copy/epoch.js';
import { chooseCopy, type SurveyResult } from './choose-copy.js';
import type { ToldCopy } from './told-copy.js';

/** `s1 has 5:s1-s2#7`: who has it, and of which epoch, with which number. */
function copy(text: string, more: Partial<ToldCopy> = {}): ToldCopy {
  const match = /^(\w+) has (\d+):(\w+)-(\w+|-)#(\d+)$/.exec(text);
  if (!match) throw new Error(text);
  const [, holder = '', counter, node = '', backup = '', seq] = match;
  return {
    key: 'k',
    holder,
    holderProcess: `${holder} now`,
    counter: Number(counter),
    node,
    backup,
    generation: 0,
    renewedIn: undefined,
    seq: Number(seq),
    lineage: '',
    wasFenced: false,
    primaryProcess: `${node} now`,
    putAt: 500,
    primaryHeardAt: 0,
    ...more,
  };
}

function result(
  copies: readonly ToldCopy[],
  more: Partial<SurveyResult<ToldCopy>> & { noneAt?: readonly string[] } = {},
): SurveyResult<ToldCopy> {
  const none = new Map(
    (more.noneAt ?? []).map((name) => [name, { process: `${name} now`, startedAt: 0, attempted: 0 }]),
  );
  return { copies, none, unanswered: new Map(), ended: undefined, moved: undefined, promisedFloor: 100, ...more };
}

const witness: Witness = { counter: 5, node: 's1', backup: 's2', generation: 0, from: 'client' };

describe('of the copies that were told', () => {
  it('the newest epoch counts, and in it the last change', () => {
    const copies = [copy('s1 has 5:s1-s2#7'), copy('s2 has 5:s1-s2#8'), copy('s3 has 4:s3-s2#20')];

    expect(chooseCopy(result(copies), [], false)).toEqual({ is: 'copy', copy: copies[1] });
  });

  it('a change that only the backup has is not lost: it may have been acknowledged', () => {
    const copies = [copy('s2 has 5:s1-s2#8')];
    const silent = new Map([['s1', 'silent' as const]]);

    expect(chooseCopy(result(copies, { unanswered: silent }), [witness], false)).toEqual({
      is: 'copy',
      copy: copies[0],
    });
  });

  it('one that is older than what the client was shown does not count', () => {
    const older = result([copy('s3 has 4:s3-s4#9')]);
    const silent = { ...older, unanswered: new Map([['s1', 'silent' as const]]) };

    expect(chooseCopy(older, [witness], false)).toEqual({ is: 'lost', witness, best: older.copies[0] });
    expect(chooseCopy(silent, [witness], false)).toEqual({ is: 'unreachable', members: ['s1'] });
  });

  it('a copy of another primary, or of a line that left the epoch out, is not what the client was shown', () => {
    const forks = [copy('s3 has 5:s3-s4#9'), copy('s3 has 7:s3-s4#9', { lineage: '4:s1 5:s3 6:s3' })];

    for (const fork of forks) expect(chooseCopy(result([fork]), [witness], false).is).toBe('lost');
    const heir = copy('s3 has 7:s3-s4#9', { lineage: '4:s1 5:s1 6:s3' });
    expect(chooseCopy(result([heir]), [witness], false).is).toBe('copy');
  });

  it('of two epochs with one number the one that the client was shown wins, else the one with more changes', () => {
    const copies = [copy('s1 has 5:s1-s2#7'), copy('s3 has 5:s3-s4#9')];

    expect(chooseCopy(result(copies), [witness], false)).toEqual({ is: 'copy', copy: copies[0] });
    expect(chooseCopy(result(copies), [], false)).toEqual({ is: 'copy', copy: copies[1] });
  });

  it('[M4] none counts when the session has ended, whatever its epoch and its generation', () => {
    const copies = [copy('s3 has 9:s3-s4#30', { generation: 3 })];
    const ended = { callId: 'c', generation: 0, until: 1 };

    expect(chooseCopy(result(copies, { ended }), [witness], false)).toEqual({ is: 'ended', tombstone: ended });
  });

  it('one whose primary is there and has nothing of it does not count, if that cannot be about to begin', () => {
    const stale = copy('s2 has 5:s1-s2#8');
    const disowned = result([stale], { noneAt: ['s1'] });
    const attempted = new Map([['s1', { process: 's1 now', startedAt: 0, attempted: 5 }]]);
    const restarted = new Map([['s1', { process: 's1 before', startedAt: 900, attempted: 0 }]]);

    expect(chooseCopy(disowned, [], false)).toEqual({ is: 'nothing' });
    expect(chooseCopy({ ...disowned, promisedFloor: 4 }, [], false)).toEqual({
      is: 'newer',
      epoch: stale,
      begun: false,
    });
    expect(chooseCopy({ ...disowned, none: attempted }, [], false).is).toBe('copy');
    expect(chooseCopy({ ...disowned, none: restarted }, [], false).is).toBe('copy');
  });
});

describe('of two members that wanted to go on from one state', () => {
  // s1 was quicker with 40; what s3 has comes from s2, which could not begin 90, since it has been told of 40.
  const stray = copy('s3 has 90:s2-s3#9', { lineage: '5:s1' });
  const atPrimary = copy('s1 has 40:s1-s2#12', { lineage: '5:s1' });
  const atBackup = copy('s2 has 40:s1-s2#12', { lineage: '5:s1' });
  const shown: Witness = { counter: 40, node: 's1', backup: 's2', generation: 0, from: 'client' };

  it('the one counts that has begun, also with the smaller number, as its primary says', () => {
    expect(chooseCopy(result([stray, atPrimary]), [], false)).toEqual({ is: 'copy', copy: atPrimary });
  });

  it('or as the one that was slower says', () => {
    expect(chooseCopy(result([stray, atBackup]), [], false)).toEqual({ is: 'copy', copy: atBackup });
  });

  it('or as the client knows', () => {
    const fromAnother = { ...atBackup, holderProcess: 's2 after a restart' };

    expect(chooseCopy(result([stray, fromAnother]), [shown], false)).toEqual({ is: 'copy', copy: fromAnother });
  });

  it('or as somebody was told', () => {
    const fromAnother = { ...atBackup, holderProcess: 's2 after a restart' };

    expect(chooseCopy(result([stray, fromAnother], { moved: shown }), [], false)).toMatchObject({ copy: fromAnother });
    expect(chooseCopy(result([stray], { moved: shown }), [], false)).toEqual({
      is: 'newer',
      epoch: shown,
      begun: true,
    });
  });

  it('after the other was asked about it', () => {
    const before = result([stray, atPrimary], { promisedFloor: 40 });

    expect(chooseCopy(before, [], false)).toEqual({ is: 'newer', epoch: stray, begun: false });
  });

  it('unless its primary says that the other has begun, too: after a split the greater number counts', () => {
    const begun = copy('s2 has 90:s2-s3#9', { lineage: '5:s1' });

    expect(chooseCopy(result([stray, begun, atPrimary]), [], false)).toMatchObject({ copy: { counter: 90 } });
  });

  it('and one that goes on from it counts more', () => {
    const heir = { ...stray, lineage: '5:s1 40:s1' };

    expect(chooseCopy(result([heir, atPrimary, atBackup]), [shown], false)).toEqual({ is: 'copy', copy: heir });
  });
});

describe('a copy at a member that only had to know of the epoch', () => {
  const bystander = copy('s3 has 6:s1-s2#9', { primaryProcess: undefined });

  it('counts when an owner says that it has not begun, after it was asked about it', () => {
    expect(chooseCopy(result([bystander], { noneAt: ['s2'], promisedFloor: 6 }), [witness], false).is).toBe('lost');
    const heir = { ...bystander, lineage: '5:s1' };
    expect(chooseCopy(result([heir], { noneAt: ['s2'], promisedFloor: 6 }), [witness], false).is).toBe('copy');
    expect(chooseCopy(result([heir], { noneAt: ['s2'], promisedFloor: 5 }), [witness], false)).toEqual({
      is: 'newer',
      epoch: heir,
      begun: false,
    });
  });

  it('does not when the owner that says so has started anew since, and the other one is silent', () => {
    const none = new Map([['s2', { process: 's2 now', startedAt: 900, attempted: 0 }]]);
    const unanswered = new Map([['s1', 'silent' as const]]);

    expect(chooseCopy(result([bystander], { none, unanswered }), [], false)).toEqual({
      is: 'unreachable',
      members: ['s1'],
    });
    expect(chooseCopy(result([bystander], { none, noneAt: ['s1'] }), [], false).is).toBe('copy');
  });

  it('does not while an owner may be alive and have more', () => {
    const silent = new Map([['s1', 'silent' as const]]);
    const dead = new Map([['s1', 'refused' as const]]);

    expect(chooseCopy(result([bystander], { unanswered: silent }), [], false)).toEqual({
      is: 'unreachable',
      members: ['s1'],
    });
    expect(chooseCopy(result([bystander], { unanswered: dead }), [], false).is).toBe('copy');
  });

  it('never stands for the epoch itself', () => {
    const shown: Witness = { counter: 6, node: 's1', backup: 's2', generation: 0, from: 'client' };

    expect(chooseCopy(result([bystander], { noneAt: ['s2'] }), [shown], false).is).toBe('lost');
  });
});

describe('when nobody has told of a copy', () => {
  it('there is none, unless somebody is silent and somebody was shown one', () => {
    const silent = { unanswered: new Map([['s3', 'refused' as const]]) };

    expect(chooseCopy(result([]), [], false)).toEqual({ is: 'nothing' });
    expect(chooseCopy(result([], silent), [], true)).toEqual({ is: 'nothing' });
    expect(chooseCopy(result([], silent), [], false)).toEqual({ is: 'unreachable', members: ['s3'] });
    expect(chooseCopy(result([], silent), [witness], true)).toEqual({ is: 'unreachable', members: ['s3'] });
    expect(chooseCopy(result([]), [witness], true)).toEqual({ is: 'lost', witness, best: undefined });
  });

  it('but of where it went, those are asked', () => {
    const moved: Witness = { counter: 6, node: 's3', backup: 's4', generation: 0, from: 'member' };

    expect(chooseCopy(result([], { moved }), [witness], false)).toEqual({ is: 'newer', epoch: moved, begun: true });
    expect(chooseCopy(result([], { moved }), [witness, moved], false)).toEqual({
      is: 'lost',
      witness,
      best: undefined,
    });
  });
});

describe('a primary that answered before its epoch was known', () => {
  it('is asked again: it may have begun since, and have a lease', () => {
    const backup = copy('s2 has 6:s1-s2#9', { lineage: '5:s1' });
    const before = result([backup, copy('s1 has 5:s1-s2#8')], { promisedFloor: 5 });

    expect(chooseCopy(before, [], false)).toEqual({ is: 'newer', epoch: backup, begun: false });
    expect(chooseCopy({ ...before, promisedFloor: 6 }, [], false)).toEqual({ is: 'copy', copy: backup });
  });
});

describe('of the branches of a session after a split', () => {
  // Before the split, s1 and s2 had it at 5. Then s1 went on alone with 40, and s2 with s3 at 90.
  const alone = copy('s1 has 40:s1--#9', { lineage: '5:s1', generation: 1, renewedIn: { counter: 40, node: 's1' } });
  const other = copy('s2 has 90:s2-s3#20', { lineage: '5:s1' });
  const otherBackup = copy('s3 has 90:s2-s3#20', { lineage: '5:s1' });

  it('[M5] the one counts in which the id was renewed, whatever the counters say', () => {
    expect(chooseCopy(result([other, otherBackup, alone]), [], false)).toEqual({ is: 'copy', copy: alone });
    const earlier = { ...alone, counter: 400 };
    expect(chooseCopy(result([other, otherBackup, earlier]), [], false)).toEqual({ is: 'copy', copy: earlier });
  });

  it('[M5] also when only its backup is left to tell of it', () => {
    const backup = { ...alone, holder: 's4', backup: 's4' };

    expect(chooseCopy(result([other, otherBackup, backup]), [], false)).toEqual({ is: 'copy', copy: backup });
    // Without a renewal it may be of an epoch that never began.
    const plain = { ...backup, counter: 400, generation: 0, renewedIn: undefined };
    expect(chooseCopy(result([other, otherBackup, plain], { promisedFloor: 1_000 }), [], false)).toMatchObject({
      copy: { counter: 90 },
    });
  });

  it('[M5] and not the one that a member was told of', () => {
    const moved: Witness = { counter: 90, node: 's2', backup: 's3', generation: 0, from: 'member' };
    const all = result([other, otherBackup, alone], { moved });

    // Its owners have to be asked first.
    expect(chooseCopy(result([alone], { moved }), [], false)).toEqual({ is: 'newer', epoch: moved, begun: true });
    expect(chooseCopy(all, [moved], false)).toEqual({ is: 'copy', copy: alone });
    const silent = { unanswered: new Map([['s2', 'silent' as const]]) };
    expect(chooseCopy({ ...all, copies: [alone], ...silent }, [moved], false).is).toBe('unreachable');
  });

  it('the owners of one are asked when a member was told that the id was renewed there', () => {
    const moved = { counter: 40, node: 's1', backup: 's4', generation: 1 };

    expect(chooseCopy(result([other, otherBackup], { moved }), [], false)).toEqual({
      is: 'newer',
      epoch: moved,
      begun: true,
    });
  });

  it('where both have renewed it, the greater counter counts', () => {
    const renewed = { generation: 1, renewedIn: { counter: 90, node: 's2' } };
    const [one, two] = [other, otherBackup].map((each) => ({ ...each, ...renewed }));

    expect(chooseCopy(result([one, two, alone] as ToldCopy[]), [], false)).toMatchObject({ copy: { counter: 90 } });
  });

  it('a renewal does not count that was made in an epoch from which others went on without it', () => {
    // The backup of 5 was told of the renewal, and could not say so. The primary went on with another backup.
    const never = copy('s2 has 5:s1-s2#8', { generation: 1, renewedIn: { counter: 5, node: 's1' } });
    const heir = copy('s1 has 40:s1-s3#12', { lineage: '5:s1' });
    const heirBackup = copy('s3 has 40:s1-s3#12', { lineage: '5:s1' });
    const stray = copy('s4 has 30:s5-s4#9', { ...never, holder: 's4', counter: 30, node: 's5', backup: 's4', seq: 9 });
    const straying = { ...stray, lineage: '5:s1', primaryProcess: undefined };

    for (const copies of [
      [never, heir, heirBackup],
      [heir, never, straying],
      [straying, heirBackup, never],
    ]) {
      expect(chooseCopy(result(copies), [], false)).toMatchObject({ is: 'copy', copy: { counter: 40 } });
    }
  });
});

describe('[M6] a locator that nobody has signed', () => {
  const forged: Witness = { counter: 5_000, node: 's1', backup: 's2', generation: 9, from: 'anybody' };
  const copies = [copy('s1 has 5:s1-s2#7'), copy('s2 has 5:s1-s2#7')];

  it('can only show that a state is not new enough', () => {
    expect(chooseCopy(result(copies), [forged], false)).toMatchObject({ is: 'lost', witness: forged });
    expect(chooseCopy(result([]), [forged], true)).toMatchObject({ is: 'lost', witness: forged });
  });

  it('does not hide where the session went, and overrules no copy', () => {
    const moved = { counter: 6, node: 's3', backup: 's4', generation: 0 };
    expect(chooseCopy(result(copies, { moved }), [forged], false)).toMatchObject({ is: 'newer', epoch: moved });

    const old = { ...forged, counter: 2, node: 's9', generation: 0 };
    const backup = result([copy('s2 has 5:s1-s2#7')], { unanswered: new Map([['s1', 'refused' as const]]) });
    expect(chooseCopy(backup, [{ ...old, from: 'client' }], false).is).toBe('unreachable');
    expect(chooseCopy(result([copy('s2 has 5:s1-s2#7')]), [old], false)).toMatchObject({ best: { holder: 's2' } });
  });
});
