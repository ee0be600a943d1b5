import { describe, it } from '@jest/globals';
import { MemorySessionStore } from 'nestjs-session-beans';
import { describeSessionStore } from 'nestjs-session-beans/testing';

describeSessionStore('memory', ({ clock }) => new MemorySessionStore({ clock }), { runner: { describe, it } });
