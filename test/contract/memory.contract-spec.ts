import { describe, it } from '@jest/globals';
import { MemorySessionStore } from 'nestjs-session-beans';
import { describeSessionStore } from 'nestjs-session-beans/testing';

describeSessionStore('memory', ({ clock }) => new MemorySessionStore({ clock }), {
  runner: { describe, it },
  createSmall: ({ clock }) => new MemorySessionStore({ clock, maxSessions: 20, maxBytes: 100_000 }),
});
