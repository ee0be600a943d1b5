import { ClientTCP } from '@nestjs/microservices';

/** Nest's client without its error log: whoever called is told. */
export class QuietClient extends ClientTCP {
  override handleError(): void {}
}
