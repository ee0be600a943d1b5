import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { GUARDS_METADATA, INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { Observable } from 'rxjs';
import { type ControllerType, type HandlerMethod, handlerMetadata } from '../http/handlers/handler-metadata.js';
import { requireLogin } from '../http/handlers/session.guard.js';
import { MessageObserver, SocketMessage, currentOfClients } from './socket-message.js';

/** Refuses messages whose session could not be loaded, and does what the decorators of the handler say. */
class GatewayGuard implements CanActivate {
  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const message = messageOf(execution);
    if (!message) return true;
    const type: ControllerType = execution.getClass();
    const method = execution.getHandler() as HandlerMethod;
    const { state } = message;
    state.handler = handlerMetadata.nameOf(type, method);
    state.isReadOnly = handlerMetadata.isReadOnly(type, method);
    const requirement = handlerMetadata.requiredLogin(type, method);
    const lockWaitMs = handlerMetadata.lockWaitMs(type, method);
    try {
      if (message.failure !== undefined) throw message.failure;
      if (requirement) requireLogin(state, requirement);
      if (lockWaitMs !== undefined) await message.lock(lockWaitMs);
      return true;
    } catch (error) {
      throw message.refused(error);
    }
  }
}

/** Stores what a handler has changed before each of its replies. */
class GatewayInterceptor implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const message = messageOf(execution);
    if (!message) return next.handle();
    return new Observable((subscriber) => MessageObserver.follow(message, next.handle(), subscriber));
  }
}

// One of each for all applications of a process, which share the classes of gateways and their metadata.
const guard = new GatewayGuard();
const interceptor = new GatewayInterceptor();

/** Puts both before those of the class, once. */
export function enhanceGateway(gateway: ControllerType): void {
  bindFirst(GUARDS_METADATA, guard, gateway);
  bindFirst(INTERCEPTORS_METADATA, interceptor, gateway);
}

function bindFirst(key: string, enhancer: object, gateway: ControllerType): void {
  const bound = (Reflect.getMetadata(key, gateway) as unknown[] | undefined) ?? [];
  if (!bound.includes(enhancer)) Reflect.defineMetadata(key, [enhancer, ...bound], gateway);
}

function messageOf(execution: ExecutionContext): SocketMessage | undefined {
  if (execution.getType() !== 'ws') return undefined;
  const request = currentOfClients.get(execution.switchToWs().getClient<object>())?.request;
  return request instanceof SocketMessage ? request : undefined;
}
