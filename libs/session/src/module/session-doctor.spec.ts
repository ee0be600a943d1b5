import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import type { SessionRisk } from '../store/session-risk.js';
import type { ServerAnnouncement } from '../store/session-store.js';
import { DeploymentCheck } from './deployment-check.js';
import { resolveOptions } from './session.options.js';
import { ApplicationSessionDoctor } from './session-doctor.js';

const risk = (code: string, severity: SessionRisk['severity'] = 'high'): SessionRisk => ({
  code,
  severity,
  meaning: `The ${code} is risky.`,
  fix: `Set ${code}.`,
});

/** Its settings are those of the test. */
class RiskyStore extends MemorySessionStore {
  found: SessionRisk[] = [];
  isDown = false;
  asked = 0;

  async risks(): Promise<SessionRisk[]> {
    this.asked++;
    if (this.isDown) throw new Error('it is down');
    return this.found;
  }

  announce(): readonly ServerAnnouncement[] | Promise<never> {
    return this.isDown ? Promise.reject(new Error('it is down')) : [];
  }
}

describe('the doctor', () => {
  const doctors: ApplicationSessionDoctor[] = [];
  const reports: string[] = [];
  afterEach(() => {
    for (const doctor of doctors.splice(0)) doctor.stop();
    reports.length = 0;
    jest.useRealTimers();
  });
  const doctorOf = (store: RiskyStore): ApplicationSessionDoctor => {
    const check = new DeploymentCheck(store, resolveOptions({}));
    const doctor = new ApplicationSessionDoctor(store, check, (report) => reports.push(report));
    doctors.push(doctor);
    return doctor;
  };

  it('tells what the application and the store have, the worst first, and the log in one entry', async () => {
    const store = new RiskyStore();
    store.found = [risk('eviction'), risk('address', 'low')];
    const doctor = doctorOf(store);
    doctor.note(risk('key', 'medium'));
    await doctor.start();

    const { store: name, risks } = await doctor.examine();
    expect([name, risks.map(({ code }) => code)]).toEqual(['memory', ['eviction', 'key', 'address']]);
    expect(reports).toEqual([
      'risky settings, as SessionDoctor.examine() tells them:\n' +
        '- eviction (high): The eviction is risky. Set eviction.\n- key (medium): The key is risky. Set key.',
    ]);
  });

  it('writes no report where nothing is risky', async () => {
    const doctor = doctorOf(new RiskyStore());
    await doctor.start();
    expect([await doctor.examine(), reports]).toEqual([{ store: 'memory', risks: [] }, []]);
  });

  it('writes what requests show later once, when it is seen', async () => {
    const doctor = doctorOf(new RiskyStore());
    await doctor.start();
    for (const _ of [1, 2]) doctor.note(risk('proxy'));
    expect(reports).toEqual([expect.stringContaining('- proxy (high)')]);
    expect((await doctor.examine()).risks).toEqual([risk('proxy')]);
  });

  it('asks a store that was down again after half a minute, then every ten, and tells only what is new', async () => {
    jest.useFakeTimers();
    const store = new RiskyStore();
    store.isDown = true;
    const doctor = doctorOf(store);
    await doctor.start();
    expect((await doctor.examine()).risks).toMatchObject([{ code: 'store-unexamined', severity: 'low' }]);
    store.isDown = false;
    store.found = [risk('eviction')];
    await jest.advanceTimersByTimeAsync(30_000);
    await jest.advanceTimersByTimeAsync(30_000);
    expect([store.asked, reports.length]).toEqual([3, 1]);
    // A failover: another server has other settings.
    store.found = [risk('eviction'), risk('appendonly')];
    await jest.advanceTimersByTimeAsync(570_000);
    expect([store.asked, reports.length, reports[1]]).toEqual([4, 2, expect.not.stringContaining('eviction')]);

    doctor.stop();
    // The deadline of the last call.
    await jest.advanceTimersByTimeAsync(1_001);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('keeps no application from its boot: a store that never answers', async () => {
    jest.useFakeTimers();
    const store = new RiskyStore();
    store.risks = () => new Promise(() => undefined);
    const doctor = doctorOf(store);
    doctor.note(risk('key'));
    const booted = doctor.start();
    // A second, and the turn of the event loop in which late answers are read.
    await jest.advanceTimersByTimeAsync(1_001);
    await booted;
    expect(reports).toEqual([expect.stringContaining('- key (high)')]);
  });
});
