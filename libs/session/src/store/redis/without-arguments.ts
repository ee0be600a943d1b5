/** ioredis hangs the arguments of the command on its errors: what a session holds, which must not get into logs. */
export function withoutArguments(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) delete error.command;
  return error;
}
