import { beforeEach, describe, expect, it } from '@jest/globals';
import { clientNetwork, StartsPerClient } from './starts-per-client.js';

describe('starts per client and second', () => {
  let now: number;
  let starts: StartsPerClient;
  beforeEach(() => {
    now = 5_000;
    starts = new StartsPerClient(2);
  });
  const waits = (count: number, client = '192.0.2.1') => Array.from({ length: count }, () => starts.add(client, now));

  it('pass as long as they are not too many', () => {
    expect(waits(3)).toEqual([0, 0, 1_000]);
  });

  it('pass again in the next second, which a client that goes on meanwhile does not put off', () => {
    waits(2);
    now += 999;
    expect(waits(2)).toEqual([1, 1]);
    now += 1;
    expect(waits(3)).toEqual([0, 0, 1_000]);
  });

  it('are counted for each client by itself', () => {
    waits(2);
    expect(waits(3, '192.0.2.2')).toEqual([0, 0, 1_000]);
  });

  it('are forgotten, not refused, when the clock is set back', () => {
    waits(2);
    now -= 60_000;
    expect(waits(1)).toEqual([0]);
  });

  it('are those of a whole IPv6 network', () => {
    const client = (i: number) => `2001:db8:0:1:${i.toString(16)}::1`;
    expect([1, 2, 3].map((i) => starts.add(client(i), now))).toEqual([0, 0, 1_000]);
    expect(starts.add('2001:db8:0:2::1', now)).toBe(0);
  });

  it('are remembered for a bounded number of clients, the newest, however many come', () => {
    for (let i = 0; i < 100_000; i++) starts.add(`client ${i}`, now);
    expect(starts.size).toBeLessThanOrEqual(20_000);
    const last = 'client 99999';
    expect(waits(2, last)).toEqual([0, 1_000]);
  });

  it('are remembered while no more clients come than there is room for', () => {
    starts = new StartsPerClient(1, 100);
    waits(1);
    for (let i = 0; i < 150; i++) starts.add(`client ${i}`, now);
    expect(waits(1)).toEqual([1_000]);
  });

  it('of a second that is over take no room', () => {
    for (let i = 0; i < 1_000; i++) starts.add(`client ${i}`, now);
    now += 1_000;
    waits(1);
    expect(starts.size).toBe(1);
  });
});

describe('the part of an address that one client has', () => {
  it.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1'],
    ['an IPv4 address with a port', '192.0.2.1:4711', '192.0.2.1'],
    ['an IPv4 address of a socket', '::ffff:192.0.2.1', '192.0.2.1'],
    ['the same, in other letters', '0:0:0:0:0:FFFF:C000:0201', '192.0.2.1'],
    ['an IPv4 address that was translated', '64:ff9b::192.0.2.1', '192.0.2.1'],
    ['an IPv6 address', '2001:db8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1::/64'],
    ['another one of that network', '2001:DB8::1:0:0:0:5', '2001:db8:0:1::/64'],
    ['one with zeros at its beginning', '::1', '0:0:0:0::/64'],
    ['one with zeros at its end', '2001:db8::', '2001:db8:0:0::/64'],
    ['one with a zone', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['one with a port', '[2001:db8:0:1::5]:4711', '2001:db8:0:1::/64'],
    ['one with an IPv4 address at its end', '2001:db8:1:2:3:4:192.0.2.1', '2001:db8:1:2::/64'],
    ['another text', 'api-key 7', 'api-key 7'],
    ['no address', '2001:db8:::1', '2001:db8:::1'],
  ])('%s', (_, text, network) => {
    expect(clientNetwork(text)).toBe(network);
  });
});
