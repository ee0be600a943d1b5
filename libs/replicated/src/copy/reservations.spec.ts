import { describe, expect, it } from '@jest/globals';
import { RESERVED_MS, Reservations } from './reservations.js';

describe('the logins under way of a principal', () => {
  it('are told to those that ask later, each session once, until they are released', () => {
    const reservations = new Reservations();
    expect(reservations.reserve('alice', 'a', '1', 0)).toEqual([]);
    expect(reservations.reserve('alice', 'b', '2', 0)).toEqual(['a']);
    expect(reservations.reserve('alice', 'b', '3', 0)).toEqual(['a']);
    expect(reservations.reserve('alice', 'c', '4', 0)).toEqual(['a', 'b']);
    expect(reservations.reserve('bob', 'd', '5', 0)).toEqual([]);
    reservations.release('alice', '2');
    expect(reservations.reserve('alice', 'c', '4', 0)).toEqual(['a', 'b']);
    reservations.release('alice', '3');
    expect(reservations.reserve('alice', 'c', '4', 0)).toEqual(['a']);
  });

  it('keep their place when they ask again', () => {
    const reservations = new Reservations();
    reservations.reserve('alice', 'a', '1', 0);
    reservations.reserve('alice', 'b', '2', 0);
    expect(reservations.reserve('alice', 'a', '1', 1)).toEqual([]);
  });

  it('are forgotten after a minute, also where nobody asks for them any more', () => {
    const reservations = new Reservations();
    reservations.reserve('alice', 'a', '1', 0);
    expect(reservations.reserve('alice', 'b', '2', RESERVED_MS - 1)).toEqual(['a']);
    expect(reservations.reserve('alice', 'c', '3', RESERVED_MS)).toEqual(['b']);
    reservations.sweep(3 * RESERVED_MS);
    expect(reservations.size).toBe(0);
  });
});
