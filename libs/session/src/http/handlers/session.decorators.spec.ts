import { describe, expect, it } from '@jest/globals';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { SessionContextNotActiveError } from '../../errors/session-context-not-active.error.js';
import { currentSession } from './session.decorators.js';

class ChatGateway {
  say(): void {}
}

describe('@CurrentSession()', () => {
  it.each([
    { kind: 'ws', args: [{ id: 'socket' }, 'hello'] },
    { kind: 'rpc', args: ['hello'] },
    { kind: 'graphql', args: [undefined, {}, { req: { extra: 'a subscription' } }, {}] },
    { kind: 'graphql', args: [{ req: {} }, undefined, undefined, {}] },
    { kind: 'http', args: [{}, {}] },
  ])('says why it has no session behind a handler of kind $kind without a request: $args', ({ kind, args }) => {
    const execution = new ExecutionContextHost(args, ChatGateway, Reflect.get(ChatGateway.prototype, 'say'));
    execution.setType(kind);
    expect(() => currentSession(undefined, execution)).toThrow(SessionContextNotActiveError);
    expect(() => currentSession(undefined, execution)).toThrow(/^@CurrentSession\(\) was used in ChatGateway\.say/);
  });
});
