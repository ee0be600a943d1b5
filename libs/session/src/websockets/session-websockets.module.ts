import { Module } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { SOCKET_SESSIONS } from '../http/handlers/handler-plan.js';
import { HTTP_SESSION_RUNTIME, type HttpSessionRuntime } from '../http/http-lifecycle.js';
import { SessionEnds } from '../live/session-ends.js';
import { CurrentRequest } from '../request/current-request.js';
import { SocketSessions } from './socket-sessions.js';

/**
 * Sessions for the gateways of an application, of any adapter for socket.io or ws. Import it once, in the root module,
 * beside `SessionModule.forRoot()`, and mark gateways, or single handlers, with `@UseSession()`.
 *
 * - The cookie of the handshake (or the header, with `idTransport: 'header'`) says which session a connection has.
 * - Each message is a unit of work of its own: beans, `HttpSession`, `@SessionLock()`, `@ReadOnlySession()` and
 *   `@RequireLogin()` work as in a handler of HTTP. What it has changed is stored before its reply leaves. Where that
 *   is refused, the client gets the event `exception` with a code, see `SessionWsException`.
 * - There is no response that could bring a cookie: `login()`, `renewId()` and a change without a session are refused.
 * - A connection is closed when its session ends, on any server, within the time that `HttpSession.signal` says: ws
 *   with the code 4401, socket.io after the event `session:ended`.
 *
 * @example
 * ```ts
 * @UseSession()
 * @WebSocketGateway()
 * export class ChatGateway {
 *   constructor(private readonly chat: ChatState) {}
 *
 *   @SubscribeMessage('say')
 *   say(@MessageBody() text: string): number {
 *     return this.chat.lines.push(text);
 *   }
 * }
 * ```
 * @see docs/websockets.md
 */
@Module({
  providers: [
    {
      provide: SOCKET_SESSIONS,
      inject: [CurrentRequest, HTTP_SESSION_RUNTIME, SessionEnds, ModulesContainer, ApplicationConfig],
      useFactory: (
        current: CurrentRequest,
        http: HttpSessionRuntime,
        ends: SessionEnds,
        modules: ModulesContainer,
        config: ApplicationConfig,
      ) => new SocketSessions({ current, http, ends }, modules, config),
    },
  ],
})
export class SessionWebSocketsModule {}
