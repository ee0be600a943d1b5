import type { SessionLifetime } from './session-record.js';

/**
 * Nearly all sessions of an application have the same lifetime, that of the module's options. Sessions that keep the
 * object that `of` returns share one copy of it.
 */
export class SharedLifetime {
  private last: SessionLifetime | undefined = undefined;

  /** An equal lifetime that nobody changes. */
  of(lifetime: SessionLifetime): SessionLifetime {
    const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = lifetime;
    const { last } = this;
    const isSame =
      last?.idleTimeoutMs === idleTimeoutMs &&
      last.absoluteTimeoutMs === absoluteTimeoutMs &&
      last.unjoinedTimeoutMs === unjoinedTimeoutMs;
    if (isSame) return last;
    // A frozen one comes from here: the sessions of an application may have a few different lifetimes.
    const isOwn = Object.isFrozen(lifetime);
    this.last = isOwn ? lifetime : Object.freeze({ idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs });
    return this.last;
  }
}
