import { Merge, SessionScoped } from 'nestjs-session-beans';

/** How often this session has counted. */
@SessionScoped({ name: 'counter', version: 1 })
export class Counter {
  @Merge('sum') private value = 0;

  getValue(): number {
    return this.value;
  }

  countUp(): void {
    this.value++;
  }
}
