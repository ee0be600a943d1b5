import { AsyncLocalStorage } from 'node:async_hooks';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionContextNotActiveError } from '../errors/session-context-not-active.error.js';
import type { MaybePromise } from '../store/maybe-promise.js';
import type { RequestState } from './request-state.js';

/** Whatever runs code with a session: an HTTP request, or work that the application has opened. */
export interface RequestWithSession {
  readonly state: RequestState;

  /** Loads the session if nobody has. Left out where it was loaded before the code began. */
  load?(): MaybePromise<void>;
}

/**
 * The slot that says which request the running code belongs to. Entered with `run` only: `enterWith` would leak one
 * user's session into the next request of a keep-alive connection.
 */
export class CurrentRequest {
  private readonly slot = new AsyncLocalStorage<RequestWithSession>();

  run<T>(request: RequestWithSession, work: () => T): T {
    return this.slot.run(request, work);
  }

  /** The request that the running code belongs to; undefined outside of all. */
  get request(): RequestWithSession | undefined {
    return this.slot.getStore();
  }

  /** Its state; undefined outside of all requests. */
  get state(): RequestState | undefined {
    return this.slot.getStore()?.state;
  }

  /**
   * The state of the current request.
   * @param subject names the caller in the error text, e.g. `Counter.value`
   * @throws SessionContextNotActiveError outside a request
   */
  require(subject: string): RequestState {
    const { state } = this;
    if (state) return state;
    throw new SessionContextNotActiveError(
      subject,
      'outside a request, for example at boot, in a timer, in a message of a queue or a socket, or in the ' +
        'generator of a subscription, where there is no session: open one with SessionContext.run(). In a callback ' +
        'of a library that calls from elsewhere, wrap the callback with AsyncResource.bind() of node:async_hooks',
    );
  }

  /** The current session's instance of a bean. */
  instanceOf(bean: SessionBean, property: PropertyKey): object {
    const subject = `${bean.definition.type.name}.${String(property)}`;
    return this.require(subject).unitFor(subject).instanceOf(bean);
  }

  /** Like `instanceOf`; undefined where no session is active. */
  tryInstanceOf(bean: SessionBean): object | undefined {
    return this.state?.activeUnit?.instanceOf(bean);
  }
}
