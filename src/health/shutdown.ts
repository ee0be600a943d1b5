import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Whether this server is on its way out. */
@Injectable()
export class Shutdown implements OnModuleDestroy {
  private begun = false;

  get hasBegun(): boolean {
    return this.begun;
  }

  onModuleDestroy(): void {
    this.begun = true;
  }
}
