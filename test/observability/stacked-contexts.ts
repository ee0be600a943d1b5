import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api';

/** A context manager like that of an application's OpenTelemetry SDK: the active span follows asynchronous code. */
export class StackedContexts implements ContextManager {
  private readonly slot = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.slot.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.slot.run(context, () => work.apply(self, args));
  }

  bind<T>(_: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.slot.disable();
    return this;
  }
}
