import { ServerTCP } from '@nestjs/microservices';

/** Nest's server without its error log, which every stranger at the port could fill. */
export class QuietServer extends ServerTCP {
  protected override handleError(): void {}
}
