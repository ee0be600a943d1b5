export { SessionWebSocketsModule } from './session-websockets.module.js';
export { SessionWsException } from './session-ws.exception.js';
export { SESSION_ENDED_CODE, SESSION_ENDED_EVENT } from './socket-client.js';
export { sessionOf } from './socket-sessions.js';
