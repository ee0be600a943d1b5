import { describe, expect, it } from '@jest/globals';
import { rendezvousOrder } from './rendezvous-order.js';

const members = ['s1', 's2', 's3', 's4'].map((name, i) => ({
  name,
  host: 'h',
  port: 1,
  zone: i < 2 ? 'east' : 'west',
}));
const keys = Array.from({ length: 4_000 }, (_, i) => `key${i}`);

describe('the order in which members become backups', () => {
  it('is the same for everybody, and different for each session', () => {
    const orders = keys.map((key) =>
      rendezvousOrder(key, members, undefined)
        .map(({ name }) => name)
        .join(' '),
    );

    expect(
      keys.map((key) =>
        rendezvousOrder(key, members.toReversed(), undefined)
          .map(({ name }) => name)
          .join(' '),
      ),
    ).toEqual(orders);
    expect(new Set(orders).size).toBe(24);
    for (const { name } of members) {
      const first = orders.filter((order) => order.startsWith(name)).length;
      expect(first).toBeGreaterThan(800);
      expect(first).toBeLessThan(1_200);
    }
  });

  it('stays for the others when one leaves', () => {
    const without = members.filter(({ name }) => name !== 's2');
    for (const key of keys) {
      const before = rendezvousOrder(key, members, undefined).filter(({ name }) => name !== 's2');
      expect(rendezvousOrder(key, without, undefined)).toEqual(before);
    }
  });

  it('begins with those in another zone', () => {
    for (const key of keys) {
      expect(rendezvousOrder(key, members, 'east').map(({ zone }) => zone)).toEqual(['west', 'west', 'east', 'east']);
    }
  });
});
